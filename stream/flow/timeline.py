"""The instants at which items started, or were finished, in order: what enters and leaves a trailing window.

A trailing window holds what lies in (now - W, now]. Nothing expires by arriving: a team that finishes nothing
falls to zero because the window moves on, and this is what it moves over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sortedcontainers import SortedList


class Span(NamedTuple):
    """The instants (microseconds) after `low`, up to `high` and with it."""

    low: int
    high: int

    def beyond(self, other: Span) -> Span:
        """Give the part that lies outside another span of the same width."""
        if self.high > other.high:
            return Span(max(self.low, other.high), self.high)
        return Span(self.low, min(self.high, other.low))


class Timeline:
    """Items by an instant of theirs (microseconds)."""

    def __init__(self) -> None:
        self._places: Any = SortedList()
        # What was put in since the last look: to sort many at once, at a start, is several times faster.
        self._added: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._places) + len(self._added)

    def put(self, time: int, key: bytes) -> None:
        """Put an item in."""
        self._added.append((time, key))

    def extend(self, places: Iterable[tuple[int, bytes]]) -> None:
        """Put many items in."""
        self._added.extend(places)

    def take(self, time: int, key: bytes) -> None:
        """Take an item out; ValueError where it is not in."""
        self._sorted().remove((time, key))

    def within(self, span: Span) -> Iterator[bytes]:
        """Give the items within a span."""
        places = self._sorted()
        low, high = places.bisect_left((span.low + 1,)), places.bisect_left((span.high + 1,))
        return (key for _, key in places.islice(low, high))

    def first_after(self, instant: int) -> int | None:
        """Give the first instant after another at which there is an item."""
        places = self._sorted()
        place = places.bisect_left((instant + 1,))
        return places[place][0] if place < len(places) else None

    def _sorted(self) -> Any:
        if self._added:
            self._places.update(self._added)
            self._added.clear()
        return self._places
