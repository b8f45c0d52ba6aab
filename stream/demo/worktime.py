"""When the simulated teams work: converts work time to wall-clock time.

The simulation runs in hours of work. In the history these fall into office hours. While somebody watches the demo,
they pass faster and round the clock, so that the same queues move visibly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LIVE_SPEED = 60.0
"""Seconds of work in each second of a live span."""

FULL_DAY = ((time(9), time(12, 15)), (time(13), time(17, 30)))
FRIDAY = ((time(9), time(12, 15)), (time(13), time(15, 30)))
OFFICE_HOURS = (FULL_DAY, FULL_DAY, FULL_DAY, FULL_DAY, FRIDAY, (), ())


class WatchedSpan(NamedTuple):
    """A span in which somebody watches. If `end` is None, the span is still open."""

    start: datetime
    end: datetime | None


class WorkingHours(NamedTuple):
    """A span of wall-clock time in which teams work, `speed` seconds of work in each second."""

    start: datetime
    end: datetime | None
    speed: float

    def hours(self) -> float:
        """Return the hours of work that fit into it."""
        if self.end is None:
            return float("inf")
        return (self.end - self.start).total_seconds() / 3600 * self.speed


class WorkClock:
    """Converts hours of work since `start` to wall-clock time. The hours asked for must never go back."""

    def __init__(self, start: datetime, zone: ZoneInfo, live: Sequence[WatchedSpan] = ()) -> None:
        self._spans = _spans(start, zone, live)
        self._span = next(self._spans)
        self._before = 0.0

    def at(self, hours: float) -> datetime:
        """Return the wall-clock time at which that many hours of work are done."""
        while hours > self._before + self._span.hours():
            self._before += self._span.hours()
            self._span = next(self._spans)
        return self._span.start + timedelta(hours=(hours - self._before) / self._span.speed)


def _spans(start: datetime, zone: ZoneInfo, live: Sequence[WatchedSpan]) -> Iterator[WorkingHours]:
    for watched in live:
        yield from _office_spans(start, watched.start, zone)
        yield WorkingHours(watched.start, watched.end, LIVE_SPEED)
        if watched.end is None:
            return
        start = watched.end
    yield from _office_spans(start, None, zone)


def _office_spans(start: datetime, end: datetime | None, zone: ZoneInfo) -> Iterator[WorkingHours]:
    day = start.astimezone(zone).date()
    while end is None or day <= end.astimezone(zone).date():
        for opens, closes in OFFICE_HOURS[day.weekday()]:
            first = max(start, datetime.combine(day, opens, zone).astimezone(start.tzinfo))
            last = datetime.combine(day, closes, zone).astimezone(start.tzinfo)
            last = last if end is None else min(last, end)
            if first < last:
                yield WorkingHours(first, last, 1.0)
        day += timedelta(days=1)
