"""Random lives of items, and their changes in an order that is independent of time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.organisation import CLOCK, DONE, STATES, TEAMS, TYPES

OPEN_LIVES = 60
SOURCE = "chaos"
# Within the window of velocity.
OLDEST = timedelta(days=80)


@dataclass(frozen=True, slots=True)
class Change:
    """One event: its item enters the state of this rank. `value` is the record as a producer sends it."""

    item: str
    team: str
    rank: int
    value: bytes

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.item.encode()


class Lives:
    """Draws changes, of some dozens of items at a time, those of each item in any order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._open: list[list[Change]] = []
        self._items = 0

    def draw(self) -> Change:
        """Return another change, of an open item or of a new one."""
        while len(self._open) < OPEN_LIVES:
            self._open.append(self._begin())
        life = self._chance.choice(self._open)
        change = life.pop(self._chance.randrange(len(life)))
        if not life:
            self._open.remove(life)
        return change

    def unmade(self) -> Change:
        """Return a change for an aborted transaction, which must never count: an open item is done."""
        change = self.draw()
        self._open.append([change])
        event = json.loads(change.value)
        event["id"] += "-aborted"
        event["data"]["state"] = STATES[DONE]
        event["time"] = CLOCK.isoformat()
        return Change(change.item, change.team, DONE, json.dumps(event).encode())

    def _begin(self) -> list[Change]:
        self._items += 1
        return list(_life(f"item-{self._items}", self._chance))


def _life(item: str, chance: random.Random) -> Iterator[Change]:
    """Draw how far an item gets: most are done, some stay in progress or are never begun."""
    team, kind = chance.choice(list(TEAMS)), chance.choice(TYPES)
    last = chance.choices(range(len(STATES)), (1, 2, 7))[0]
    ages = sorted((OLDEST * chance.random() for _ in range(last + 1)), reverse=True)
    for rank, age in enumerate(ages):
        data = {"item": item, "team": team, "item_type": kind, "state": STATES[rank]}
        event = {
            "specversion": "1.0",
            "id": f"{item}-{rank}",
            "source": SOURCE,
            "type": "flow.item.changed",
            "time": (CLOCK - age).isoformat(),
            "data": data,
        }
        yield Change(item, team, rank, json.dumps(event).encode())
