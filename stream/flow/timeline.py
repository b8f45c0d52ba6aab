"""The instants at which items started or were finished, in order.

A trailing window of width W covers (now - W, now]. As the clock moves it on, it passes these instants, so items enter
and leave it without any event: the numbers of a team that finishes nothing fall to zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from stream.flow.ranked import Ranked

_INSTANT = itemgetter(0)


class Interval(NamedTuple):
    """The instants (microseconds) after `low`, up to and including `high`."""

    low: int
    high: int

    def beyond(self, other: Interval | None) -> list[Interval]:
        """Give the parts outside another interval."""
        if other is None:
            return [self]
        before = Interval(self.low, min(self.high, other.low))
        after = Interval(max(self.low, other.high), self.high)
        return [part for part in (before, after) if part.low < part.high]

    def has(self, instant: int) -> bool:
        """Tell whether an instant lies in it."""
        return self.low < instant <= self.high


class Timeline(Ranked[tuple[int, bytes]]):
    """Items by an instant, each as (instant, key); instants are microseconds."""

    __slots__ = ()

    def _looked_at(self) -> Any:
        # Sorting by the instants alone takes two thirds of the time, and leaves little for the sort by whole values.
        self._added.sort(key=_INSTANT)
        return super()._looked_at()

    def within(self, interval: Interval) -> Iterator[bytes]:
        """Give the keys of the items in an interval."""
        low, high = self.place((interval.low + 1, b"")), self.place((interval.high + 1, b""))
        return (key for _, key in self.ascending()[low:high])

    def first_after(self, instant: int) -> int | None:
        """Give the first instant of an item after another instant; None if there is none."""
        place, places = self.place((instant + 1, b"")), self.ascending()
        return places[place][0] if place < len(places) else None
