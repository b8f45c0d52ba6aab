"""The simulated portfolio: the teams of `portfolio.yaml` at work.

`simulate` is pure: the same seed and times give the same events.
- `squads.py`, `tickets.py`: teams, trackers, and the teams' items.
- `queues.py`: how the teams work on their items.
- `kanbans.py`, `initiatives.py`: how ARTs work on features, and value streams and the portfolio on epics.
- `agenda.py`: what happens next.
- `worktime.py`: when they work.
- `objectives.py`: what they plan for a PI.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from stream.demo.agenda import Agenda
from stream.demo.initiatives import Initiatives
from stream.demo.kanbans import EPICS, FEATURES, Kanban
from stream.demo.objectives import with_objectives
from stream.demo.queues import HOURS_PER_ITEM, Teams
from stream.demo.squads import JIRA, TRACKERS, Squad, project
from stream.demo.worktime import WatchedSpan, WorkClock
from stream.events.event import SECOND

PORTFOLIO = Path(__file__).with_name("portfolio.yaml")
"""The configuration that fits the simulation."""

WORKERS_PER_LIMIT = 0.5
BUSY_WITH_OTHERS = (0.28, 0.40)
"""The range of the share of its time that a team works on what belongs to no feature."""

NAME = "Portfolio"
OWN_EPICS = 0.2
"""The share of its epics that the portfolio owns itself."""

LEAD_IN = timedelta(weeks=2)
"""How long before the first increment of the history the simulation begins."""


def simulate(
    seed: int, start: datetime, end: datetime | None = None, *, live: Sequence[WatchedSpan] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the portfolio's events (CloudEvents envelopes) in the order of their times, from `start` on.

    Without `end`, they never end. In `live` spans the teams work faster and round the clock. A later end of the last
    span does not change the events before it.
    """
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    rng = Random(seed)
    clock = WorkClock(start.astimezone(UTC), ZoneInfo(config["time_zone"]), live)
    agenda = Agenda(rng, clock)
    _begin(config, agenda)
    for time, event in agenda.run():
        if end is not None and time > end:
            return
        yield event


def simulate_with_objectives(
    seed: int, start: datetime, *, live: Sequence[WatchedSpan] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the events of `simulate`, without end, with those of the PI objectives among them."""
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    yield from with_objectives(simulate(seed, start, live=live), config, Random(seed))


def history_days(now: int) -> int:
    """Return how many days of history it takes to have two whole program increments before the newest that began.

    `now` is in microseconds of Unix time.
    """
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    today = datetime.fromtimestamp(now // SECOND, ZoneInfo(config["time_zone"])).date()
    begun: list[date] = [pi["start"] for pi in config["program_increments"] if pi["start"] <= today]
    return (today - begun[-3] + LEAD_IN).days


def _begin(config: dict[str, Any], agenda: Agenda) -> None:
    """Start the teams and the Kanban systems above them."""
    squads = [
        _squad(stream["value_stream"], art["art"], team, agenda.rng)
        for stream in config["organisation"]
        for art in stream["arts"]
        for team in art["teams"]
    ]
    initiatives = Initiatives(agenda)
    teams = Teams(squads, agenda, initiatives)
    teams.begin()
    for kanban in _kanbans(config, squads, teams, initiatives):
        # The first epics bring further features soon, so the ARTs begin with half of what they let run.
        initiatives.begin(kanban, kanban.limit if kanban.pace is EPICS else kanban.limit // 2)


def _squad(value_stream: str, art: str, team: dict[str, Any], rng: Random) -> Squad:
    workers = max(2, round(team["load_limit"] * WORKERS_PER_LIMIT))
    arrivals = workers * rng.uniform(*BUSY_WITH_OTHERS) / HOURS_PER_ITEM
    discipline = rng.uniform(0.6, 0.95)
    return Squad(team["team"], art, TRACKERS[value_stream], workers, arrivals, discipline, free=workers)


def _kanbans(config: dict[str, Any], squads: list[Squad], teams: Teams, initiatives: Initiatives) -> Iterator[Kanban]:
    """Yield the ARTs', then the value streams', then the portfolio's own, whose epics are those of no value stream."""
    trains: dict[str, list[Kanban]] = {}
    for stream in config["organisation"]:
        name, source = stream["value_stream"], TRACKERS[stream["value_stream"]].source
        for art in stream["arts"]:
            own = [squad for squad in squads if squad.art == art["art"]]
            limit = art["load_limit"]["features"]
            train = Kanban(source, project(art["art"]), limit, FEATURES, partial(teams.divide, own))
            trains.setdefault(name, []).append(train)
            yield train
    limits = {stream["value_stream"]: stream["load_limit"]["epics"] for stream in config["organisation"]}
    for name, limit in limits.items():
        source = TRACKERS[name].source
        yield Kanban(source, project(name), limit, EPICS, partial(initiatives.divide, trains[name]))
    near = [train for found in trains.values() for train in found if train.source == JIRA.source]
    limit = round(config["portfolio"]["load_limit"] * OWN_EPICS)
    yield Kanban(JIRA.source, project(NAME), limit, EPICS, partial(initiatives.divide, near))
