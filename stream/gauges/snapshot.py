"""What a scrape sees: immutable, swapped whole by the event loop, so that no scrape sees a half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream.flow.report import NodeNumbers


class Snapshot(NamedTuple):
    """The nodes whose numbers are true at `at` (microseconds), and why any others are not yet.

    `reasons` are from a closed list, each with a detail; none means that all numbers are true. `seconds` is how long
    it took to read the boards.
    """

    at: int
    nodes: Sequence[NodeNumbers]
    reasons: Sequence[tuple[str, str]]
    items: int = 0
    seconds: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the numbers are true."""
        return not self.reasons


class Wall:
    """Where the newest snapshot hangs; `met_since`: since when (microseconds) each target was seen met, by name."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(0, (), (("starting", "the worker has only just begun"),))
        self.met_since: Mapping[str, int] = {}
        self.heartbeat = 0.0
