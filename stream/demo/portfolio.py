"""The simulated portfolio: the teams of `portfolio.yaml` at work.

`simulate` is pure: the same seed and times give the same events.
- `squads.py`: teams, items and trackers.
- `queues.py`: how the teams work on their items.
- `worktime.py`: when they work.
- `objectives.py`: what they plan for a PI.
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
from stream.demo.worktime import WatchedSpan, WorkClock

PORTFOLIO = Path(__file__).with_name("portfolio.yaml")
"""The configuration that fits the simulation."""

WORKERS_PER_LIMIT = 0.5
UTILISATION = (0.70, 0.84)


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
    for time, event in Simulation(squads(config, rng), rng, clock).run():
        if end is not None and time > end:
            return
        yield event


def simulate_with_objectives(
    seed: int, start: datetime, *, live: Sequence[WatchedSpan] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the events of `simulate`, without end, with those of the PI objectives among them."""
    config = yaml.safe_load(PORTFOLIO.read_text("utf-8"))
    yield from with_objectives(simulate(seed, start, live=live), config, Random(seed))


def squads(config: dict[str, Any], rng: Random) -> list[Squad]:
    """Return the configuration's teams, with enough workers for their limits."""
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
