"""The sent and acknowledged events with their times, and the bounds of true numbers at any moment.

An item's state is the one with the greatest rank among its events, so more events can only move it on. So for each
team, the number of items that have reached a state has two bounds. The acknowledged events give the lower bound, and
all sent events the upper one, whichever of the events in between have arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.chaos.lives import Change
from tests.chaos.organisation import STATES, TEAMS

# For each team, how many items have at least the state of each rank.
Reached = Mapping[str, tuple[int, ...]]


class Bounds(NamedTuple):
    """The least and the most that a true number can be."""

    least: Reached
    most: Reached


class Ledger:
    """Keeps the changes with the times (`time.monotonic`) of their first sending and their acknowledgement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[Change, float] = {}
        self._acknowledged: dict[Change, float] = {}

    def send(self, change: Change, now: float) -> None:
        """Note that a change is about to be sent. Only the first time counts."""
        with self._lock:
            self._sent.setdefault(change, now)

    def acknowledge(self, change: Change, now: float) -> None:
        """Note that Kafka has acknowledged a change. Only the first time counts."""
        with self._lock:
            self._acknowledged.setdefault(change, now)

    @property
    def missing(self) -> int:
        """How many changes were sent but not acknowledged."""
        return len(self._sent) - len(self._acknowledged)

    @property
    def changes(self) -> list[Change]:
        """All acknowledged changes."""
        with self._lock:
            return list(self._acknowledged)

    def bounds(self, acknowledged_by: float, sent_by: float) -> Bounds:
        """Return the bounds of numbers that count all of the former events and only the latter."""
        with self._lock:
            least = [change for change, time in self._acknowledged.items() if time <= acknowledged_by]
            most = [change for change, time in self._sent.items() if time <= sent_by]
        return Bounds(reached(least), reached(most))


def reached(changes: Iterable[Change]) -> Reached:
    """Count for each team the items that have at least the state of each rank."""
    furthest: dict[tuple[str, str], int] = {}
    for change in changes:
        place = (change.team, change.item)
        furthest[place] = max(furthest.get(place, 0), change.rank)
    counts = {team: [0] * len(STATES) for team in TEAMS}
    for (team, _), rank in furthest.items():
        for passed in range(rank + 1):
            counts[team][passed] += 1
    return {team: tuple(of_team) for team, of_team in counts.items()}
