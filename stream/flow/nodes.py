"""The nodes of the organisation: teams, ARTs, value streams and the portfolio, each once for each backlog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stream.config.model import LEVELS, FlowConfig, Level, LoadLimit
from stream.items.summary import Owner


class Node(NamedTuple):
    """A node of the organisation in one backlog; the names below its level are empty.

    `own` says that only what the node owns itself is meant, without the nodes below. A team has nothing below it.
    """

    level: Level
    value_stream: str = ""
    art: str = ""
    team: str = ""
    backlog: str = ""
    own: bool = False

    @property
    def is_owner(self) -> bool:
        """Whether it counts only what one owner owns, so that its numbers add up with those of other owners."""
        return self.own or self.level == "team"

    @property
    def is_everything(self) -> bool:
        """Whether it counts the items of all owners, which may be on several workers."""
        return self.level == "portfolio" and not self.own


def node_of(owner: Owner, backlog: str) -> Node:
    """Give the node with an owner's names in a backlog."""
    return Node(LEVELS[len(owner) - sum(map(bool, owner))], *owner, backlog)


def above(owner: Owner) -> list[Owner]:
    """Give the owner itself and those above it, up to the portfolio."""
    value_stream, art, _ = owner
    owners = (owner, Owner(value_stream, art, ""), Owner(value_stream, "", ""), Owner("", "", ""))
    return list(dict.fromkeys(owners))


def path(owner: Owner, backlog: str) -> list[Node]:
    """Give the nodes in which an owner's items of a backlog count."""
    nodes = [node_of(each, backlog) for each in above(owner)]
    return nodes if nodes[0].is_owner else [nodes[0]._replace(own=True), *nodes]


def configured_nodes(config: FlowConfig) -> list[Node]:
    """List the nodes that are always shown, in the order of the file; the portfolio is last.

    Nodes of the level at which a backlog is planned, and of those above it, always show it. What a node owns itself is
    always shown at the level at which the backlog is planned.
    """
    nodes = [node_of(owner, each.backlog) for owner, _ in places(config) for each in config.backlogs]
    homes = {each.backlog: each.home for each in config.backlogs}
    shown = [node for node in nodes if LEVELS.index(node.level) >= LEVELS.index(homes[node.backlog])]
    own = [node._replace(own=True) for node in shown if node.level == homes[node.backlog] and not node.is_owner]
    return [*own, *shown]


def backlog_of_objectives(config: FlowConfig, level: Level) -> str:
    """Give the backlog beside which predictability is shown, since objectives are in no backlog.

    It is the home backlog of the level. Without one, it is the backlog that is planned nearest above.
    """
    lowest = min(config.backlogs, key=lambda each: LEVELS.index(each.home))
    return config.home_of(level) or lowest.backlog


def load_limits(config: FlowConfig) -> dict[Node, int]:
    """Give the load limits, by node."""
    return {
        node_of(owner, backlog): limit
        for owner, limits in places(config)
        for backlog, limit in config.limit_of(limits, node_of(owner, "").level).items()
    }


def places(config: FlowConfig) -> Iterator[tuple[Owner, LoadLimit]]:
    """Yield each node of the organisation, as an owner, with its limits; the portfolio is last."""
    for stream in config.organisation:
        yield Owner(stream.value_stream, "", ""), stream.load_limit
        for art in stream.arts:
            yield Owner(stream.value_stream, art.art, ""), art.load_limit
            for team in art.teams:
                yield Owner(stream.value_stream, art.art, team.team), team.load_limit
    yield Owner("", "", ""), config.portfolio.load_limit
