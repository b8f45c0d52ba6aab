"""Fixed uids of walls: readable, at most 40 characters for Grafana, and derived from the name alone."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

# flowgauge-wall-<slug>-4k has to fit into 40 characters.
LONGEST = 22
PORTFOLIO = "portfolio"


def slugs(names: Sequence[str]) -> list[str]:
    """Give each name its slug; one that is not plain, or that two names share, ends with a digest of the name."""
    plain = [_plain(name) for name in names]
    shared = Counter([*plain, PORTFOLIO])
    return [
        slug if _faithful(name, slug) and shared[slug] == 1 else _marked(name, slug)
        for name, slug in zip(names, plain, strict=True)
    ]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", letters).strip("-")


def _faithful(name: str, slug: str) -> bool:
    plain = bool(slug) and re.fullmatch("[A-Za-z0-9]+([ -][A-Za-z0-9]+)*", name) is not None
    return plain and len(slug) <= LONGEST and not slug.endswith("-4k")


def _marked(name: str, slug: str) -> str:
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{slug[: LONGEST - 9].strip('-')}-{digest}".strip("-")
