"""The instants at which items started, or were finished, in order: what enters and leaves a trailing window.

A trailing window holds what lies in (now - W, now]. Nothing expires by arriving: a team that finishes nothing
falls to zero because the window moves on, and this is what it moves over.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from stream.flow.ranked import Ranked

_INSTANT = itemgetter(0)


class Interval(NamedTuple):
    """The instants (microseconds) after `low`, up to `high` and with it."""

    low: int
    high: int

    def beyond(self, other: Interval) -> Interval:
        """Give the part that lies outside another interval of the same width."""
        if self.high > other.high:
            return Interval(max(self.low, other.high), self.high)
        return Interval(self.low, min(self.high, other.low))


class Timeline(Ranked[tuple[int, bytes]]):
    """Items by an instant of theirs, each as (instant, key); instants are microseconds."""

    __slots__ = ()

    def _looked_at(self) -> Any:
        # By their instants alone many are sorted in two thirds of the time; then next to nothing is left to do.
        self._added.sort(key=_INSTANT)
        return super()._looked_at()

    def within(self, interval: Interval) -> Iterator[bytes]:
        """Give the items in an interval."""
        low, high = self.place((interval.low + 1, b"")), self.place((interval.high + 1, b""))
        return (key for _, key in self.ascending()[low:high])

    def first_after(self, instant: int) -> int | None:
        """Give the first instant after another at which there is an item."""
        place, places = self.place((instant + 1, b"")), self.ascending()
        return places[place][0] if place < len(places) else None
