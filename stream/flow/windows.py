"""The windows of a configuration: trailing windows, and periods with calendar edges.

| window | covers |
| --- | --- |
| a duration W | (now - W, now] |
| pi | from the first instant of the running PI until now; between two PIs the last one, whole |
| previous_pi | the whole PI before that |
| iteration, previous_iteration | the same with iterations |

A period is absent before its first instant, and once items may be forgotten that were finished in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stream.config.model import FlowConfig, Iterations
from stream.events.event import DAY, SECOND
from stream.flow.statistics import NEVER
from stream.flow.timeline import Interval


class Period(NamedTuple):
    """A PI or an iteration: its name, its first instant, and the first instant after it (microseconds)."""

    name: str
    begin: int
    end: int


class Open(NamedTuple):
    """The windows at an instant, by label.

    `names` are those of the periods. `until` is the first instant afterwards at which a period begins, ends or becomes
    absent.
    """

    intervals: Mapping[str, Interval]
    names: Mapping[str, str]
    until: int


class Windows:
    """All windows of a configuration. Instants and widths are microseconds."""

    def __init__(self, config: FlowConfig) -> None:
        zone = ZoneInfo(config.time_zone)
        self.labels = config.window_labels
        self.widths = {str(window): window.microseconds for window in config.trailing}
        self._retention = config.retention.microseconds
        self._increments = increments(config)
        self._iterations = config.iterations
        self._zone = zone
        self._periods = config.periods

    def at(self, now: int) -> Open:
        """Give the windows at an instant."""
        intervals = {label: Interval(now - width, now) for label, width in self.widths.items()}
        periods = dict(self._open_periods(now))
        for label, period in periods.items():
            intervals[label] = Interval(period.begin - 1, min(now, period.end - 1))
        return Open(
            {label: intervals[label] for label in self.labels if label in intervals},
            {label: period.name for label, period in periods.items()},
            self._next_edge(now, periods.values()) if self._periods else NEVER,
        )

    def _next_edge(self, now: int, periods: Iterable[Period]) -> int:
        edges = [self._forgotten(period) for period in periods]
        edges += [edge for period in self._increments for edge in (period.begin, period.end)]
        if self._iterations is not None:
            running = self._iteration(now, 1)
            edges.append(_midnight(self._iterations.first, self._zone) if running is None else running.end)
        return min((edge for edge in edges if edge > now), default=NEVER)

    def _open_periods(self, now: int) -> Iterator[tuple[str, Period]]:
        for label in self._periods:
            back = 2 if label.startswith("previous_") else 1
            period = self._iteration(now, back) if label.endswith("iteration") else self._increment(now, back)
            if period is not None and now < self._forgotten(period):
                yield label, period

    def _forgotten(self, period: Period) -> int:
        """Give the instant from which on items of the period may be forgotten."""
        return period.begin + self._retention

    def _increment(self, now: int, back: int) -> Period | None:
        begun = bisect_right(self._increments, now, key=lambda period: period.begin)
        return self._increments[begun - back] if begun >= back else None

    def _iteration(self, now: int, back: int) -> Period | None:
        try:
            return self._iteration_of(now, back)
        except (OverflowError, ValueError):
            # The calendar has no day before the year 1 or after 9999.
            return None

    def _iteration_of(self, now: int, back: int) -> Period | None:
        iterations, zone = self._iterations, self._zone
        if iterations is None:
            return None
        days = (datetime.fromtimestamp(now // SECOND, zone).date() - iterations.first).days
        number = days // (iterations.length.microseconds // DAY)
        # The last hour of a day comes twice where clocks are turned back at midnight.
        number += now >= _iteration(iterations, number, zone).end
        number -= back - 1
        return None if number < 0 else _iteration(iterations, number, zone)


def increments(config: FlowConfig) -> list[Period]:
    """Give the program increments in order; days begin in the configured time zone."""
    zone = ZoneInfo(config.time_zone)
    found = (
        Period(pi.name, _midnight(pi.start, zone), _midnight(pi.end + timedelta(days=1), zone))
        for pi in config.program_increments
    )
    return sorted(found, key=lambda period: period.begin)


def _iteration(iterations: Iterations, number: int, zone: ZoneInfo) -> Period:
    days = timedelta(microseconds=iterations.length.microseconds)
    first = iterations.first + number * days
    return Period(first.isoformat(), _midnight(first, zone), _midnight(first + days, zone))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND
