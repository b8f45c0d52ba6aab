"""Playlists: all walls of one size in turn. Grafana accepts them through its API, not from files.

This module does not use the SDK (0.0.21): it cannot make playlist items, and its manifest names an API version that
Grafana's documentation does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INTERVAL = "30s"


def playlist(name: str, title: str, uids: Sequence[str]) -> dict[str, Any]:
    """Describe a playlist of dashboards as Grafana's API accepts it; `name` is its uid."""
    items = [{"type": "dashboard_by_uid", "value": uid} for uid in uids]
    return {
        "apiVersion": "playlist.grafana.app/v1",
        "kind": "Playlist",
        "metadata": {"name": name},
        "spec": {"title": title, "interval": INTERVAL, "items": items},
    }
