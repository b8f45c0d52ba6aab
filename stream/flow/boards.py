"""All boards of a worker: a summary replaces the item's former one, at every level of its owners' paths.

Load stands under the owner an item has now, arrivals under its owner at the start, velocity under its owner at the
finish. So each level is the sum of the one below, and a move inside an ART is nothing to the ART.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stream.config.model import FlowConfig
from stream.flow.board import Board
from stream.items.objective import Objective
from stream.items.summary import Summary, Team


class Node(NamedTuple):
    """A node of the organisation; the names below its level are empty."""

    level: str
    value_stream: str = ""
    art: str = ""
    team: str = ""


PORTFOLIO = Node("portfolio")


def path(owner: Team) -> tuple[Node, Node, Node, Node]:
    """Give the nodes that an owner's items count in."""
    return (
        Node("team", *owner),
        Node("art", owner.value_stream, owner.art),
        Node("value_stream", owner.value_stream),
        PORTFOLIO,
    )


def configured_nodes(config: FlowConfig) -> list[tuple[Node, int | None]]:
    """List all nodes of the organisation with their load limits, in the order of the file, the portfolio last."""
    nodes: list[tuple[Node, int | None]] = []
    for stream in config.organisation:
        nodes.append((Node("value_stream", stream.value_stream), stream.load_limit))
        for art in stream.arts:
            nodes.append((Node("art", stream.value_stream, art.art), art.load_limit))
            nodes += [(Node("team", stream.value_stream, art.art, team.team), team.load_limit) for team in art.teams]
    return [*nodes, (PORTFOLIO, None)]


class Boards:
    """The boards of the partitions of `flow.items` that this worker holds.

    `partition_of` gives the partition of a value stream: a board counts what belongs to its own partition, so that
    an item that stands in two of them is counted once at each place.
    """

    def __init__(self, config: FlowConfig, partition_of: Callable[[str], int]) -> None:
        self._partition_of = partition_of
        self._configured = configured_nodes(config)
        self._boards: dict[Node, Board] = {node: Board() for node, _ in self._configured}
        self._limits = dict(self._configured)
        self._summaries: dict[int, dict[bytes, Summary | Objective]] = {}

    def put(self, partition: int, key: bytes, summary: Summary | Objective | None) -> None:
        """Replace the item's (or objective's) former summary; None takes it out."""
        held = self._summaries.setdefault(partition, {})
        former = held.pop(key, None)
        if former is not None:
            self._count(partition, key, former, -1)
        if summary is not None:
            held[key] = summary
            self._count(partition, key, summary, 1)

    def drop(self, partition: int) -> None:
        """Take out all that a partition brought: it is another worker's now."""
        for key, summary in self._summaries.pop(partition, {}).items():
            self._count(partition, key, summary, -1)

    def nodes(self) -> Iterator[tuple[Node, int | None, Board]]:
        """Give each node with its limit and board: as configured, others where something counts, the portfolio."""
        others = [node for node, board in self._boards.items() if node not in self._limits and not board.empty]
        *configured, portfolio = self._limits
        for node in (*configured, *sorted(others, key=lambda node: node[1:]), portfolio):
            yield node, self._limits.get(node), self._boards[node]

    def items(self, partition: int) -> int:
        """Count the items whose summaries a partition holds."""
        return len(self._summaries.get(partition, {}))

    def _count(self, partition: int, key: bytes, summary: Summary | Objective, step: int) -> None:
        if isinstance(summary, Objective):
            for board in self._of(summary.owner, partition):
                board.count_objective(key, summary, step)
            return
        for board in self._of(summary.owner, partition):
            board.count_state(summary, step)
        if summary.start is not None:
            for board in self._of(summary.start.owner, partition):
                board.count_arrival(key, summary.start, step)
        if summary.finish is not None:
            for board in self._of(summary.finish.owner, partition):
                board.count_finish(key, summary, summary.finish, step)

    def _of(self, owner: Team, partition: int) -> list[Board]:
        if self._partition_of(owner.value_stream) != partition:
            return []
        return [self._boards.setdefault(node, Board()) for node in path(owner)]
