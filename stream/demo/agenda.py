"""What happens next in the simulation, what chance decides, and the events that follow from it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from math import log
from random import Random
from typing import Any

from stream.demo.worktime import WorkClock

CHANGED, DELETED = "flow.item.changed", "flow.item.deleted"
FIRST_NUMBER = 10_001


class Agenda:
    """Future happenings in hours of work, and the events of those that have happened. `rng` is the only chance."""

    def __init__(self, rng: Random, clock: WorkClock) -> None:
        self.rng = rng
        self._clock, self._now = clock, 0.0
        self._coming: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._turn, self._numbers, self._sequence = count(), count(FIRST_NUMBER), count(1)
        self._events: list[tuple[datetime, dict[str, Any]]] = []

    def run(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Let everything happen in order of time. Yield the events with their times."""
        while self._coming:
            self._now, _, happen, args = heapq.heappop(self._coming)
            happen(*args)
            yield from self._events
            self._events.clear()

    def later(self, hours: float, happen: Callable[..., None], *args: Any) -> None:
        """Let it happen after that many hours of work."""
        heapq.heappush(self._coming, (self._now + hours, next(self._turn), happen, args))

    def number(self) -> int:
        """Return the number of a new item."""
        return next(self._numbers)

    def happens(self, chance: float) -> bool:
        """Return whether something of this chance happens."""
        return self.rng.random() < chance

    def wait(self, mean_hours: float) -> float:
        """Return hours until something that happens at any time with the same chance."""
        return self.rng.expovariate(1 / mean_hours)

    def hours(self, median: float, sigma: float) -> float:
        """Return lognormal hours; `sigma` is that of their logarithm."""
        return self.rng.lognormvariate(log(median), sigma)

    def pick(self, shares: dict[str, int]) -> str:
        """Return one of the names, by their shares."""
        return self.rng.choices(list(shares), list(shares.values()))[0]

    def emit(self, source: str, number: int, event_type: str = CHANGED, /, **changes: Any) -> None:
        """Add an event of an item. A change of None is left out."""
        time = self._clock.at(self._now)
        sequence = next(self._sequence)
        event = {
            "specversion": "1.0",
            "id": f"{source}:{number}:{sequence}",
            "source": source,
            "type": event_type,
            "time": time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "sequence": f"{sequence:012}",
            "data": {
                "item": str(number),
                **{name: value for name, value in changes.items() if value is not None},
            },
        }
        self._events.append((time, event))


def key(project: str, number: int) -> str:
    """Return what people call the item of this number."""
    return f"{project}-{number - FIRST_NUMBER + 1}"
