"""The subjects of walls: the portfolio, and each value stream of flow.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from stream.config.model import FlowConfig, Level, LoadLimit, Target, ValueStream
from stream.dashboards.homes import homes
from stream.dashboards.promql import EVERYTHING, Scope, only
from stream.dashboards.slug import PORTFOLIO, slugs


class Subject(NamedTuple):
    """A portfolio or value stream: its name, its nodes, its targets, and the levels with WIP limits.

    `limited` holds the levels with a WIP limit of their home backlog on at least one node; `homes` gives the home
    backlog of each level; `window` is the window to show; `apart` says whether there are several backlogs.
    """

    title: str
    slug: str
    nodes: Scope
    level: Level
    limited: frozenset[Level]
    targets: tuple[Target, ...]
    window: str
    homes: Mapping[Level, str]
    apart: bool

    def scope(self, level: Level | None = None) -> Scope:
        """Give its nodes in the home backlog of a level, or of its own level."""
        return self.nodes.holding(self.homes[level or self.level])

    def name(self, what: str, level: Level | None = None) -> str:
        """Title a panel: whose numbers they are, which, and of which backlog if there are several."""
        backlog = f", {self.homes[level or self.level]}" if self.apart else ""
        return f"{self.title}: {what}{backlog}"


def subjects(config: FlowConfig, window: str) -> Iterator[Subject]:
    """Give the portfolio, then the value streams in the order of the file."""
    owners = [(_value_stream(target, config), target) for target in config.targets]
    shared = (window, homes(config), len(config.backlogs) > 1)
    of_all = tuple(target for owner, target in owners if not owner)
    limited = _limited(config, config.organisation)
    yield Subject("All value streams", PORTFOLIO, EVERYTHING, "portfolio", limited, of_all, *shared)
    names = [stream.value_stream for stream in config.organisation]
    for stream, slug in zip(config.organisation, slugs(names), strict=True):
        name = stream.value_stream
        targets = tuple(target for owner, target in owners if owner == name)
        yield Subject(name, slug, only(name), "value_stream", _limited(config, [stream]), targets, *shared)


def _limited(config: FlowConfig, streams: Iterable[ValueStream]) -> frozenset[Level]:
    shown = homes(config)
    limits = _limits(config, streams)
    return frozenset(level for level, limit in limits if shown[level] in config.limit_of(limit, level))


def _limits(config: FlowConfig, streams: Iterable[ValueStream]) -> Iterator[tuple[Level, LoadLimit]]:
    yield "portfolio", config.portfolio.load_limit
    for stream in streams:
        yield "value_stream", stream.load_limit
        for art in stream.arts:
            yield "art", art.load_limit
            yield from (("team", team.load_limit) for team in art.teams)


def _value_stream(target: Target, config: FlowConfig) -> str:
    """Give the value stream of a target's node; empty for the portfolio's."""
    if target.level == "portfolio":
        return ""
    return next(
        stream.value_stream
        for stream in config.organisation
        if target.value_stream in {None, stream.value_stream} and _has(stream, target)
    )


def _has(stream: ValueStream, target: Target) -> bool:
    """Tell whether a value stream has the ART and the team that a target names."""
    arts = [art for art in stream.arts if target.art in {None, art.art}]
    return bool(arts) and (target.team is None or any(target.team == team.team for art in arts for team in art.teams))
