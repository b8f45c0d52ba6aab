"""The snapshot that a scrape shows. It is immutable, and the event loop swaps it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from stream.clock import uptime
from stream.flow.report import NodeNumbers

STOPPING = ("stopping", "the worker was told to end")
EXPIRED = ("cut_off", "the numbers are too old to show: Kafka does not answer, or the worker is stuck")


class Snapshot(NamedTuple):
    """The nodes whose numbers are true at `at` (microseconds), and why others are not true yet.

    - `reasons`: from a closed list, each with a detail; if there are none, all numbers are true.
    - `items`: how many items are counted.
    - `seconds`: how long it took to read the boards.
    - `partitions`: the partitions of `flow.items` whose nodes are shown.
    - `until`: until when they may be shown, in seconds of uptime.
    - `periods`: the names of the windows that are periods, by label.
    - `unplaced`: how many items no backlog holds, by source and flow item type.
    """

    at: int
    nodes: Sequence[NodeNumbers]
    reasons: Sequence[tuple[str, str]]
    items: int = 0
    seconds: float = 0.0
    partitions: frozenset[int] = frozenset()
    until: float = inf
    periods: Mapping[str, str] = {}
    unplaced: Mapping[tuple[str, str], int] = {}

    @property
    def ready(self) -> bool:
        """Whether the numbers are true."""
        return not self.reasons

    def withdrawn(self, reason: tuple[str, str]) -> Snapshot:
        """Return the same without any numbers, and with the reason."""
        return self._replace(nodes=(), reasons=(reason,), partitions=frozenset(), until=inf, periods={}, unplaced={})


class Published:
    """The newest snapshot, published by the event loop and read by other threads.

    A reader gets it without numbers once it has expired, or once `stopping` is set, even if the event loop is stuck.
    `met_since` says since when (microseconds) each target has been seen met, by name.
    """

    def __init__(self, uptime: Callable[[], float] = uptime) -> None:
        self._uptime = uptime
        self._snapshot = Snapshot(0, (), (("starting", "the worker has only just begun"),))
        self.met_since: Mapping[str, int] = {}
        self.heartbeat = 0.0
        self.stopping = False

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot, or one without numbers if it may not be shown now."""
        snapshot = self._snapshot
        if self.stopping:
            return snapshot.withdrawn(STOPPING)
        return snapshot if self._uptime() <= snapshot.until else snapshot.withdrawn(EXPIRED)

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
