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
        # Owners are teams of the configuration, or nobody, so that there are not many.
        self._paths: dict[Team, tuple[int, tuple[Board, ...]]] = {}

    def put(self, partition: int, key: bytes, summary: Summary | Objective | None) -> None:
        """Replace the item's (or objective's) former summary; None takes it out."""
        held = self._summaries.setdefault(partition, {})
        former = held.pop(key, None)
        if summary is not None:
            held[key] = summary
        self._replace(partition, key, former, summary)

    def drop(self, partition: int) -> None:
        """Take out all that a partition brought: it is another worker's now."""
        for key, summary in self._summaries.pop(partition, {}).items():
            self._replace(partition, key, summary, None)

    def nodes(self) -> Iterator[tuple[Node, int | None, Board]]:
        """Give each node with its limit and board: as configured, others where something counts, the portfolio."""
        others = [node for node, board in self._boards.items() if node not in self._limits and not board.empty]
        *configured, portfolio = self._limits
        for node in (*configured, *sorted(others, key=lambda node: node[1:]), portfolio):
            yield node, self._limits.get(node), self._boards[node]

    def items(self, partition: int) -> int:
        """Count the items whose summaries a partition holds."""
        return len(self._summaries.get(partition, {}))

    def _replace(
        self, partition: int, key: bytes, former: Summary | Objective | None, summary: Summary | Objective | None
    ) -> None:
        for each, step in ((former, -1), (summary, 1)):
            if isinstance(each, Objective):
                for board in self._of(each.owner, partition):
                    board.count_objective(key, each, step)
        old = former if isinstance(former, Summary) else None
        new = summary if isinstance(summary, Summary) else None
        self._count_state(partition, old, new)
        self._count_arrival(partition, key, old, new)
        self._count_finish(partition, key, old, new)

    def _count_state(self, partition: int, old: Summary | None, new: Summary | None) -> None:
        moves = [(old, new)] if old and new and old.owner == new.owner else [(old, None), (None, new)]
        for former, summary in moves:
            there = summary or former
            if there is not None:
                for board in self._of(there.owner, partition):
                    board.count_state(former, summary)

    # Most events leave start and finish as they were: what is not counted anew leaves the windows' sums valid.

    def _count_arrival(self, partition: int, key: bytes, old: Summary | None, new: Summary | None) -> None:
        former, start = None if old is None else old.start, None if new is None else new.start
        if former == start:
            return
        for stamp, step in ((former, -1), (start, 1)):
            if stamp is not None:
                for board in self._of(stamp.owner, partition):
                    board.count_arrival(key, stamp, step)

    def _count_finish(self, partition: int, key: bytes, old: Summary | None, new: Summary | None) -> None:
        if _finished(old) == _finished(new):
            return
        for summary, step in ((old, -1), (new, 1)):
            if summary is not None and summary.finish is not None:
                for board in self._of(summary.finish.owner, partition):
                    board.count_finish(key, summary, summary.finish, step)

    def _of(self, owner: Team, partition: int) -> tuple[Board, ...]:
        found = self._paths.get(owner)
        if found is None:
            boards = (self._boards.setdefault(node, Board()) for node in path(owner))
            found = self._paths[owner] = (self._partition_of(owner.value_stream), tuple(boards))
        return found[1] if found[0] == partition else ()


def _finished(summary: Summary | None) -> object:
    if summary is None or summary.finish is None:
        return None
    return summary.finish, summary.start, summary.active, summary.stays
