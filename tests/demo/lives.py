"""A simulated history for tests: its events, and what they say about each item, by a plain count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from stream.config.loading import load_config
from stream.config.model import FlowConfig
from stream.demo.portfolio import PORTFOLIO, simulate
from stream.events.event import EventType
from stream.events.time import parse_time

START = datetime(2026, 5, 11, 7, tzinfo=UTC)
END = START + timedelta(days=200)

Events = tuple[dict[str, Any], ...]
Path = tuple[str, ...]
"""The names of a node from the value stream down; of the portfolio it is empty."""
Key = tuple[str, Path]
"""A backlog and a node."""

NEW, STARTED, DONE, CANCELLED = ("new",), ("active", "waiting"), ("done",), ("cancelled",)


@cache
def history(seed: int) -> Events:
    return tuple(simulate(seed, START, END))


@cache
def config() -> FlowConfig:
    return load_config(PORTFOLIO)


@cache
def states(*kinds: str) -> frozenset[str]:
    return frozenset(
        state for workflow in config().workflows for kind in kinds for state in getattr(workflow.states, kind)
    )


@cache
def teams() -> dict[str, Path]:
    return {
        team.team: (stream.value_stream, art.art, team.team)
        for stream in config().organisation
        for art in stream.arts
        for team in art.teams
    }


@cache
def projects() -> dict[str, Path]:
    """Return the owner of the features or epics of each project."""
    found: dict[str, Path] = {}
    for stream in config().organisation:
        found[str(stream.owns[0]["project"])] = (stream.value_stream,)
        for art in stream.arts:
            found[str(art.owns[0]["project"])] = (stream.value_stream, art.art)
    return found | {str(config().portfolio.owns[0]["project"]): ()}


def backlog(item_type: str) -> str:
    """Return the backlog that holds the type."""
    for each in config().backlogs:
        if each.holds is None or item_type in each.holds["item_type"]:
            return each.backlog
    raise AssertionError(item_type)


def owner(data: dict[str, Any]) -> Path:
    return teams()[data["team"]] if "team" in data else projects()[data["project"]]


def upwards(path: Path) -> list[Path]:
    """Return a node and all above it."""
    return [path[:length] for length in range(len(path), -1, -1)]


@dataclass
class Life:
    """An item: its attributes now, and when it entered each state."""

    data: dict[str, Any] = field(default_factory=dict)
    entered: list[tuple[int, str]] = field(default_factory=list)
    deleted: bool = False

    @property
    def backlog(self) -> str:
        return backlog(self.data["item_type"])

    def first(self, kinds: tuple[str, ...]) -> int | None:
        return next((time for time, state in self.entered if state in states(*kinds)), None)

    def last(self, kinds: tuple[str, ...]) -> int | None:
        return next((time for time, state in reversed(self.entered) if state in states(*kinds)), None)

    def now(self, kinds: tuple[str, ...]) -> bool:
        return not self.deleted and self.data["state"] in states(*kinds)


@cache
def lives(seed: int) -> dict[str, Life]:
    found: dict[str, Life] = {}
    for event in history(seed):
        data = event["data"]
        life = found.setdefault(data["item"], Life())
        life.data.update(data)
        life.deleted = life.deleted or event["type"] == EventType.DELETED
        if "state" in data:
            life.entered.append((parse_time(event["time"]), data["state"]))
    return found


def of(seed: int, name: str) -> dict[str, Life]:
    """Return the items of a backlog."""
    return {item: life for item, life in lives(seed).items() if life.backlog == name}


@cache
def limits() -> dict[Key, int]:
    found: dict[Key, int] = {}

    def add(path: Path, by_backlog: dict[str, int]) -> None:
        found.update({(name, path): limit for name, limit in by_backlog.items()})

    add((), config().limit_of(config().portfolio.load_limit, "portfolio"))
    for stream in config().organisation:
        add((stream.value_stream,), config().limit_of(stream.load_limit, "value_stream"))
        for art in stream.arts:
            add((stream.value_stream, art.art), config().limit_of(art.load_limit, "art"))
            for team in art.teams:
                add((stream.value_stream, art.art, team.team), config().limit_of(team.load_limit, "team"))
    return found


def loads(seed: int) -> Iterator[tuple[int, Counter[Key], set[Key]]]:
    """Yield after each event its time, the load of each node and backlog, and where it may have changed."""
    load: Counter[Key] = Counter()
    counted: dict[str, set[Key]] = {}
    now: dict[str, dict[str, Any]] = {}
    for event in history(seed):
        item = event["data"]["item"]
        data = now.setdefault(item, {})
        data.update(event["data"])
        before = counted.get(item, set())
        gone = event["type"] == EventType.DELETED or data["state"] not in states(*STARTED)
        after = set() if gone else {(backlog(data["item_type"]), path) for path in upwards(owner(data))}
        load.subtract(before - after)
        load.update(after - before)
        counted[item] = after
        yield parse_time(event["time"]), load, before ^ after
