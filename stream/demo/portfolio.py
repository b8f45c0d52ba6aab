"""The simulated portfolio: its teams and trackers, as `portfolio.yaml` beside this file names them.

`simulate` is pure: the same seed and times give the same events. What the teams do with their work
is in `queues.py`, when they do it in `worktime.py`, and what they promise for a PI in `objectives.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import yaml

from stream.demo.objectives import with_objectives
from stream.demo.queues import HOURS_PER_ITEM, Simulation
from stream.demo.worktime import Live, WorkClock

if TYPE_CHECKING:
    from stream.demo.objectives import with_objectives
from stream.demo.queues import Ticket

PORTFOLIO = Path(__file__).with_name("portfolio.yaml")
"""The configuration that fits the simulation."""

WORKERS_PER_LIMIT = 0.5
UTILISATION = (0.70, 0.84)


@dataclass(frozen=True, slots=True)
class Tracker:
    """A source of events and the names of its states, from queue to queue as an item passes them."""

    source: str
    stages: tuple[str, ...]
    backlog: str
    cancelled: str


JIRA = Tracker(
    "demo/jira",
    ("To Do", "In Progress", "Ready for Review", "In Review", "Ready for Test", "In Test", "Done"),
    "Backlog",
    "Won't Do",
)
AZURE = Tracker(
    "demo/azure-devops",
    (
        "Committed",
        "Implementing",
        "Awaiting Approval",
        "Approving",
        "Awaiting Roll-out",
        "Rolling Out",
        "Resolved",
    ),
    "Proposed",
    "Removed",
)
TRACKERS = {"Payments": JIRA, "Customer": JIRA, "Platform": AZURE}


@dataclass(slots=True)
class Squad:
    """A team at work: `free` of its `workers` wait for something to pull (below 0: they do two things).

    `arrivals` is the rate of new items in each hour of work, `discipline` the chance that what is nearly
    finished is pulled before what is new.
    """

    name: str
    art: str
    tracker: Tracker
    workers: int
    arrivals: float
    discipline: float
    free: int = 0
    queues: dict[int, deque[Ticket]] = field(default_factory=dict)
    resumed: deque[Ticket] = field(default_factory=deque)

    @property
    def component(self) -> str:
        """What the trackers call the team's part of the product."""
        return self.name.lower().replace(" ", "-")

    @property
    def project(self) -> str:
        """The ART's project in the tracker."""
        return self.art[:3].upper()


def simulate(
    seed: int, start: datetime, end: datetime | None = None, *, live: Sequence[Live] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the portfolio's events (CloudEvents envelopes) in the order of their times, from `start` on.

    Without `end` there is no last one. In `live` spans work goes on round the clock, and faster; a later
    end of the last span does not change the events before it.
    """
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    rng = Random(seed)
    clock = WorkClock(start.astimezone(UTC), ZoneInfo(config["time_zone"]), live)
    for time, event in Simulation(squads(config, rng), rng, clock).run():
        if end is not None and time > end:
            return
        yield event


def simulate_with_objectives(seed: int, start: datetime, *, live: Sequence[Live] = ()) -> Iterator[dict[str, Any]]:
    """Yield what `simulate` does, without end, and the events of the PI objectives among them."""
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    yield from with_objectives(simulate(seed, start, live=live), config, Random(seed))


def squads(config: dict[str, Any], rng: Random) -> list[Squad]:
    """The configuration's teams, staffed to fit their limits."""
    return [
        _squad(stream["value_stream"], art["art"], team, rng)
        for stream in config["organisation"]
        for art in stream["arts"]
        for team in art["teams"]
    ]


def _squad(value_stream: str, art: str, team: dict[str, Any], rng: Random) -> Squad:
    workers = max(2, round(team["load_limit"] * WORKERS_PER_LIMIT))
    arrivals = workers * rng.uniform(*UTILISATION) / HOURS_PER_ITEM
    discipline = rng.uniform(0.6, 0.95)
    return Squad(team["team"], art, TRACKERS[value_stream], workers, arrivals, discipline, free=workers)
