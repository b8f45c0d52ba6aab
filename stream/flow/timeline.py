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
        self._version = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: tuple[Any, ...]) -> None:
        """Put an entry in."""
        self._entries.add(entry)
        self._version += 1

    def take(self, entry: tuple[Any, ...]) -> None:
        """Take an entry out; ValueError where it is not in."""
        self._entries.remove(entry)
        self._version += 1

    def cut(self, window: int, now: int) -> Slice:
        """Find what lies in (now - window, now]."""
        low = self._entries.bisect_left((now - window + 1,))
        return Slice(self._version, low, self._entries.bisect_left((now + 1,)))

    def read(self, cut: Slice) -> Any:
        """Iterate over a cut."""
        return self._entries.islice(cut.low, cut.high)
