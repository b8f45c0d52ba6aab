"""Playlists: all walls of one size in turn. Grafana takes them over its API, not from files.

Written without the SDK, whose playlist items cannot be made (0.0.21) and whose manifest names an API version that
Grafana's documentation does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INTERVAL = "30s"


def playlist(name: str, title: str, uids: Sequence[str]) -> dict[str, Any]:
    """Describe a playlist of dashboards as Grafana's API takes it; `name` is its uid."""
    items = [{"type": "dashboard_by_uid", "value": uid} for uid in uids]
    return {
        "apiVersion": "playlist.grafana.app/v1",
        "kind": "Playlist",
        "metadata": {"name": name},
        "spec": {"title": title, "interval": INTERVAL, "items": items},
    }
