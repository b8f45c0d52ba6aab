"""The nodes of the organisation: teams, ARTs, value streams and the portfolio."""

from __future__ import annotations

from typing import NamedTuple

from stream.config.model import FlowConfig
from stream.items.summary import Team


class Node(NamedTuple):
    """A node of the organisation; the names below its level are empty."""

    level: str
    value_stream: str = ""
    art: str = ""
    team: str = ""


PORTFOLIO = Node("portfolio")


def path(owner: Team) -> tuple[Node, Node, Node, Node]:
    """Give the nodes in which an owner's items count."""
    return (
        Node("team", *owner),
        Node("art", owner.value_stream, owner.art),
        Node("value_stream", owner.value_stream),
        PORTFOLIO,
    )


def configured_nodes(config: FlowConfig) -> list[tuple[Node, int | None]]:
    """List all nodes of the organisation with their load limits, in the order of the file; the portfolio is last."""
    nodes: list[tuple[Node, int | None]] = []
    for stream in config.organisation:
        nodes.append((Node("value_stream", stream.value_stream), stream.load_limit))
        for art in stream.arts:
            nodes.append((Node("art", stream.value_stream, art.art), art.load_limit))
            nodes += [(Node("team", stream.value_stream, art.art, team.team), team.load_limit) for team in art.teams]
    return [*nodes, (PORTFOLIO, None)]
