"""Where records are."""

from __future__ import annotations

from typing import NamedTuple


class TP(NamedTuple):
    """A partition of a topic. It equals the clients' own tuples of the two."""

    topic: str
    partition: int
