"""Windows: trailing ones, increments and iterations. Which instants lie in each, seen from one instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.rules import Json
from tests.oracle.statistics import length

DEFAULT_WINDOWS = ["1d", "7d", "14d", "30d", "90d"]
INCREMENTS = ("pi", "previous_pi")
ITERATIONS = ("iteration", "previous_iteration")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """A window as it lies at one instant; `named` is what its object says of it: its increment or its iteration."""

    holds: Callable[[datetime], bool]
    named: Json


def windows_at(config: Json, at: datetime) -> dict[str, Window]:
    """Find the windows that exist at an instant, in the order of the file."""
    labels = config.get("windows") or DEFAULT_WINDOWS
    found = {label: window_at(label, config, at) for label in labels}
    return {label: window for label, window in found.items() if window is not None}


def window_at(label: str, config: Json, at: datetime) -> Window | None:
    """Find a window at an instant; None for a period that has not begun, or that began before the retention."""
    if label in INCREMENTS:
        return increment_at(label, config, at)
    if label in ITERATIONS:
        return iteration_at(label, config, at)
    return Window(lambda instant: at - length(label) < instant <= at, {})


def increment_at(label: str, config: Json, at: datetime) -> Window | None:
    """Find the increment that began last, or the one before it."""
    listed = sorted(config.get("program_increments") or [], key=lambda each: day(each["start"]))
    begun = [each for each in listed if day(each["start"]) <= local_day(at, config)]
    back = 1 + INCREMENTS.index(label)
    if len(begun) < back:
        return None
    found = begun[-back]
    return period(day(found["start"]), day(found["end"]), {"pi": found["name"]}, config, at)


def iteration_at(label: str, config: Json, at: datetime) -> Window | None:
    """Find the running iteration, or the one before it; they follow one another from the first day on."""
    rhythm = config["iterations"]
    first = day(rhythm["first"])
    begun = (local_day(at, config) - first) // length(rhythm["length"]) - ITERATIONS.index(label)
    if begun < 0:
        return None
    start = first + begun * length(rhythm["length"])
    return period(start, start + length(rhythm["length"]) - DAY, {"iteration": start.isoformat()}, config, at)


def period(first: date, last: date, named: Json, config: Json, at: datetime) -> Window | None:
    """Make the window of some whole days, unless items that were finished at its first instant may be forgotten."""
    midnight = datetime.combine(first, time(), zone_of(config)).astimezone(UTC)
    if at.astimezone(UTC) - midnight >= length(config.get("retention") or "400d"):
        return None
    return Window(lambda instant: instant <= at and first <= local_day(instant, config) <= last, named)


def longest_trailing(config: Json) -> str | None:
    """Find the longest window that trails the instant, if there is any."""
    labels = config.get("windows") or DEFAULT_WINDOWS
    trailing = [label for label in labels if label not in INCREMENTS + ITERATIONS]
    return max(trailing, key=length, default=None)


def local_day(instant: datetime, config: Json) -> date:
    """Give the day that an instant lies in, where the organisation is."""
    return instant.astimezone(zone_of(config)).date()


def zone_of(config: Json) -> ZoneInfo:
    """Read the time zone in which days begin."""
    return ZoneInfo(config.get("time_zone") or "UTC")


def day(written: str | date) -> date:
    """Read a calendar day."""
    return date.fromisoformat(str(written))
