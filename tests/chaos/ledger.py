"""What was sent and what Kafka acknowledged, when, and the bounds within which true numbers lie at any moment.

An item's state is that of the greatest rank among its events, so that more events can only move it on. Hence of each
team the items that have come at least so far are no fewer than the acknowledged events say, and no more than all sent
events say, whichever of those between have arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.chaos.lives import Change
from tests.chaos.organisation import STATES, TEAMS

# Of each team: how many items have at least the state of each rank.
Reached = Mapping[str, tuple[int, ...]]


class Bounds(NamedTuple):
    """The least and the most that a true number can be."""

    least: Reached
    most: Reached


class Ledger:
    """Keeps the changes by the time (`time.monotonic`) of their first sending and of their acknowledgement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[Change, float] = {}
        self._acknowledged: dict[Change, float] = {}

    def send(self, change: Change, now: float) -> None:
        """Note that a change is about to be sent; only the first time counts."""
        with self._lock:
            self._sent.setdefault(change, now)

    def acknowledge(self, change: Change, now: float) -> None:
        """Note that Kafka has a change for good; only the first time counts."""
        with self._lock:
            self._acknowledged.setdefault(change, now)

    @property
    def missing(self) -> int:
        """How many changes were sent and not acknowledged."""
        return len(self._sent) - len(self._acknowledged)

    @property
    def changes(self) -> list[Change]:
        """All acknowledged changes."""
        with self._lock:
            return list(self._acknowledged)

    def bounds(self, acknowledged_by: float, sent_by: float) -> Bounds:
        """Return the bounds for numbers that hold the former events and hold none but the latter."""
        with self._lock:
            least = [change for change, time in self._acknowledged.items() if time <= acknowledged_by]
            most = [change for change, time in self._sent.items() if time <= sent_by]
        return Bounds(reached(least), reached(most))


def reached(changes: Iterable[Change]) -> Reached:
    """Count of each team the items that have at least the state of each rank."""
    furthest: dict[tuple[str, str], int] = {}
    for change in changes:
        place = (change.team, change.item)
        furthest[place] = max(furthest.get(place, 0), change.rank)
    counts = {team: [0] * len(STATES) for team in TEAMS}
    for (team, _), rank in furthest.items():
        for passed in range(rank + 1):
            counts[team][passed] += 1
    return {team: tuple(of_team) for team, of_team in counts.items()}
