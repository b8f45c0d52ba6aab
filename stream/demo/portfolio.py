"""The simulated portfolio: the teams that `portfolio.yaml` beside this file names, at work.

`simulate` is pure: the same seed and times give the same events. What teams, items and trackers are is in
`squads.py`, what the teams do with their work in `queues.py`, when they do it in `worktime.py`, and what they
promise for a PI in `objectives.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from stream.demo.objectives import with_objectives
from stream.demo.queues import HOURS_PER_ITEM, Simulation
from stream.demo.squads import TRACKERS, Squad
from stream.demo.worktime import Live, WorkClock

PORTFOLIO = Path(__file__).with_name("portfolio.yaml")
"""The configuration that fits the simulation."""

WORKERS_PER_LIMIT = 0.5
UTILISATION = (0.70, 0.84)


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
