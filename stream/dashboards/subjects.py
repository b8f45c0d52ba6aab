"""The subjects of walls: the portfolio, and each value stream of flow.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stream.config.model import FlowConfig, Target, ValueStream
from stream.dashboards.promql import EVERYTHING, Scope, only
from stream.dashboards.slug import PORTFOLIO, slugs
from stream.flow.nodes import configured_nodes


class Subject(NamedTuple):
    """A portfolio or value stream: its name, its scope, its targets, and the levels with WIP limits.

    `limited` holds the levels with a WIP limit on at least one node; `window` is the trailing window to show.
    """

    title: str
    slug: str
    scope: Scope
    level: str
    limited: frozenset[str]
    targets: tuple[Target, ...]
    window: str


def subjects(config: FlowConfig, window: str) -> Iterator[Subject]:
    """Give the portfolio, then the value streams in the order of the file."""
    owners = [(_value_stream(target, config), target) for target in config.targets]
    of_all = tuple(target for owner, target in owners if not owner)
    limited = _limited(config.organisation)
    yield Subject("All value streams", PORTFOLIO, EVERYTHING, "portfolio", limited, of_all, window)
    names = [stream.value_stream for stream in config.organisation]
    for stream, slug in zip(config.organisation, slugs(names), strict=True):
        name = stream.value_stream
        targets = tuple(target for owner, target in owners if owner == name)
        yield Subject(name, slug, only(name), "value_stream", _limited([stream]), targets, window)


def _limited(streams: Iterable[ValueStream]) -> frozenset[str]:
    found = set()
    for stream in streams:
        found.add("value_stream" if stream.load_limit else "")
        for art in stream.arts:
            found.add("art" if art.load_limit else "")
            found.update("team" if team.load_limit else "" for team in art.teams)
    return frozenset(found - {""})


def _value_stream(target: Target, config: FlowConfig) -> str:
    """Give the value stream of a target's node; empty for the portfolio's."""
    wanted = (target.value_stream, target.art, target.team)
    return next(
        node.value_stream
        for node, _ in configured_nodes(config)
        if node.level == target.level and all(want in {None, own} for want, own in zip(wanted, node[1:], strict=True))
    )
