"""Entries in order of time, cut to a window when they are read.

A trailing window holds what lies in (now - W, now]. Nothing expires by arriving: a team that finishes nothing
falls to zero because the cut moves on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sortedcontainers import SortedList


class Slice(NamedTuple):
    """Where a window begins and ends in a timeline, and the state of the timeline it was cut from."""

    version: int
    low: int
    high: int


class Timeline:
    """Tuples whose first part is a time (microseconds) and whose second makes them unique."""

    def __init__(self) -> None:
        self._entries: Any = SortedList()
        # What was put in since the last look: to sort many at once, at a start, is several times faster.
        self._added: list[tuple[Any, ...]] = []
        self._version = 0

    def __len__(self) -> int:
        return len(self._entries) + len(self._added)

    def put(self, entry: tuple[Any, ...]) -> None:
        """Put an entry in."""
        self._added.append(entry)
        self._version += 1

    def take(self, entry: tuple[Any, ...]) -> None:
        """Take an entry out; ValueError where it is not in."""
        self._sorted().remove(entry)
        self._version += 1

    def _sorted(self) -> Any:
        if self._added:
            self._entries.update(self._added)
            self._added.clear()
        return self._entries

    def cut(self, window: int, now: int) -> Slice:
        """Find what lies in (now - window, now]."""
        entries = self._sorted()
        return Slice(self._version, entries.bisect_left((now - window + 1,)), entries.bisect_left((now + 1,)))

    def read(self, cut: Slice) -> Any:
        """Iterate over a cut."""
        return self._entries.islice(cut.low, cut.high)
