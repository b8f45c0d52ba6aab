"""The simulated PI objectives. Each team plans them when a PI begins, and reaches them by finishing items.

They depend only on the simulation's events, so the same events give the same objectives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

SOURCE = "demo/planning"
ITEMS_PER_DAY = 0.185
"""Items that a team finishes on a working day, for each item of its WIP limit."""

AMBITION = (0.75, 1.15)
"""The range of what teams commit to, as a share of what they usually finish."""

REACHED = (1.0, 1.0, 1.0, 0.9, 0.8)
"""Shares of the planned value that business owners may assess for a completed objective."""


@dataclass(slots=True)
class SimulatedObjective:
    """A PI objective in progress; `items` is how many items must still be finished for it."""

    name: str
    planned: int
    items: float
    whole: float


class Planning:
    """The teams' objectives, one PI after the other, for the portfolio's configuration."""

    def __init__(self, config: dict[str, Any], rng: Random) -> None:
        self._rng = rng
        self._zone = ZoneInfo(config["time_zone"])
        self._increments: list[dict[str, Any]] = config["program_increments"]
        self._limits = {
            team["team"]: team["load_limit"]
            for stream in config["organisation"]
            for art in stream["arts"]
            for team in art["teams"]
        }
        self._done = {state for workflow in config["workflows"] for state in workflow["states"]["done"]}
        self._teams: dict[str, str] = {}
        self._open: dict[str, list[SimulatedObjective]] = {}
        self._planned: dict[str, str] = {}
        self._sequence = count(1)

    def after(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the objectives' events that a work item's event causes: a new PI's plan, the last PI's end, a value."""
        data = event["data"]
        team = data.get("team") or self._teams.get(data["item"])
        if team is None:
            return  # of a feature or an epic
        self._teams[data["item"]] = team
        day = datetime.fromisoformat(event["time"]).astimezone(self._zone).date()
        increment = next((pi for pi in self._increments if pi["start"] <= day <= pi["end"]), None)
        if increment is not None and self._planned.get(team) != increment["name"]:
            yield from self._assess(team, event)
            self._planned[team] = increment["name"]
            yield from self._plan(team, increment, day, event)
        if data.get("state") in self._done and self._open.get(team):
            yield from self._finish(team, event)

    def _plan(self, team: str, pi: dict[str, Any], day: date, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        values = [self._rng.randint(3, 10) for _ in range(self._rng.randint(6, 8))]
        items = self._rng.uniform(*AMBITION) * _working_days(day, pi["end"]) * ITEMS_PER_DAY * self._limits[team]
        committed = len(values) - self._rng.randint(1, 2)
        self._open[team] = []
        for number, value in enumerate(values, start=1):
            share = items * value / sum(values[:committed])
            name = f"{pi['name']}/{team}/{number}"
            self._open[team].append(SimulatedObjective(name, value, share, share))
            yield self._emit(name, event, pi=pi["name"], team=team, committed=number <= committed, planned_value=value)

    def _finish(self, team: str, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        objective = self._open[team][0]
        objective.items -= 1
        if objective.items <= 0:
            self._open[team].pop(0)
            yield self._emit(objective.name, event, actual_value=round(objective.planned * self._rng.choice(REACHED)))

    def _assess(self, team: str, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the end of the PI: an unfinished objective counts for the share that was finished."""
        for objective in self._open.pop(team, ()):
            value = int(objective.planned * (1 - objective.items / objective.whole))
            yield self._emit(objective.name, event, actual_value=value)

    def _emit(self, name: str, event: dict[str, Any], **data: Any) -> dict[str, Any]:
        sequence = next(self._sequence)
        return {
            "specversion": "1.0",
            "id": f"{SOURCE}:{sequence}",
            "source": SOURCE,
            "type": "flow.objective.changed",
            "time": event["time"],
            "sequence": f"{sequence:012}",
            "data": {"objective": name, **data},
        }


def with_objectives(events: Iterable[dict[str, Any]], config: dict[str, Any], rng: Random) -> Iterator[dict[str, Any]]:
    """Yield the events of work items, each followed by the objectives' events that it causes."""
    planning = Planning(config, rng)
    for event in events:
        yield event
        yield from planning.after(event)


def _working_days(first: date, last: date) -> int:
    days = (last - first).days + 1
    return sum((first + timedelta(days=day)).weekday() < 5 for day in range(days))
