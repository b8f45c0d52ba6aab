"""All boards of a worker: a summary replaces the item's former one, at every level of its owners' paths.

Load counts under the owner and in the backlog that an item has now, arrivals under those at its start, velocity under
those at its finish. So each level is the sum of those below it and of what it owns itself, and a move inside an ART
changes nothing for the ART. No board counts items of two backlogs.

The windows of all boards are those of one instant, which `advance` sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from stream.config.model import LEVELS, FlowConfig
from stream.flow.board import NO_STATE, Board, CurrentState
from stream.flow.bulk import Bulk
from stream.flow.counts import change
from stream.flow.finished import Finish
from stream.flow.nodes import Node, above, backlog_of_objectives, configured_nodes, load_limits, node_of, path, places
from stream.flow.partition_items import ALWAYS, PartitionItems
from stream.flow.statistics import NEVER
from stream.flow.timeline import Interval
from stream.flow.windows import Open, Windows
from stream.items.objective import Objective
from stream.items.summary import Counted, Owner

FEW_OF_AN_OWNER = 16
MANY = 20_000
Placed = tuple[Node, int | None, Board]


class Boards:
    """The boards of the partitions of `flow.items` that this worker holds.

    `partition_of` gives the partition of a value stream. A board counts only summaries of its own partition, so an item
    that is in two partitions is counted once in each.
    """

    def __init__(self, config: FlowConfig, partition_of: Callable[[str], int]) -> None:
        self._config = config
        self._partition_of = partition_of
        self.windows = Windows(config)
        self._limits = load_limits(config)
        self._objectives_in = {level: backlog_of_objectives(config, level) for level in LEVELS}
        # If the configuration lists no PIs, none can be checked, and each objective counts under the PI it names.
        self._increments = frozenset(increment.name for increment in config.program_increments)
        self._boards: dict[Node, Board] = {node: self._new_board() for node in configured_nodes(config)}
        # Nodes that are shown once something counts there.
        self._others: dict[Node, Board] = {}
        self._partitions: dict[int, PartitionItems] = {}
        self._now: int | None = None
        self.open = Open({}, {}, NEVER)
        # The cache needs no bound: owners and backlogs are those of the configuration, or nobody.
        self._paths: dict[tuple[Owner, str], tuple[int, tuple[Board, ...]]] = {}

    def put(self, partition: int, key: bytes, summary: Counted | Objective | None) -> None:
        """Replace the former summary of an item or objective; None removes it."""
        items = self._partition(partition)
        former = items.summaries.get(key)
        if former == summary:
            # A duplicate changes nothing.
            return
        if summary is None:
            del items.summaries[key]
        else:
            items.summaries[key] = summary
        for each, step in ((former, -1), (summary, 1)):
            if isinstance(each, Objective):
                for board in self._of_objective(each.owner, partition):
                    self._count_objective(board, key, each, step)
        old = former if isinstance(former, Counted) else None
        new = summary if isinstance(summary, Counted) else None
        self._move(partition, old, new)
        self._count_unplaced(partition, items, old, -1)
        self._count_unplaced(partition, items, new, 1)
        # Most events change neither start nor finish, and so no window.
        if (old and old.start) != (new and new.start):
            self._restart(partition, items, key, old, -1)
            self._restart(partition, items, key, new, 1)
        if _finished(old) != _finished(new):
            self._refinish(partition, items, key, old, -1)
            self._refinish(partition, items, key, new, 1)

    def put_all(self, partition: int, summaries: Mapping[bytes, Counted | Objective]) -> None:
        """Put many summaries.

        Fast twin of `put`, several times faster for items that are new here; held equal by
        tests/flow/test_windows_and_clock.py.
        """
        items = self._partition(partition)
        known = items.summaries
        fresh = {key: each for key, each in summaries.items() if isinstance(each, Counted) and key not in known}
        for key in summaries.keys() - fresh.keys():
            self.put(partition, key, summaries[key])
        bulk = Bulk(fresh)
        if len(fresh) < FEW_OF_AN_OWNER * len(bulk.places):
            # With few items of each owner, a board for each owner costs more than it saves.
            for key, summary in fresh.items():
                self.put(partition, key, summary)
            return
        items.summaries.update(fresh)
        for summary in fresh.values():
            self._count_unplaced(partition, items, summary, 1)
        intervals, widths = self.open.intervals, self.windows.widths
        trailing = {label: interval for label, interval in intervals.items() if label in widths}
        periods = {label: interval for label, interval in intervals.items() if label not in widths}
        for place in bulk.places:
            boards = self._of(*place, partition)
            if boards:
                items.starts.extend(bulk.starts[place].when)
                items.finishes.extend(bulk.finishes[place].when)
                summed = bulk.board(place, trailing, periods)
                for board in boards:
                    board.merge(summed)
        items.changes_at = ALWAYS

    @property
    def at_once(self) -> int:
        """The best number of items for one call of `put_all`.

        Many, if each owner has enough of them to gain by it; else few, so that the event loop is not held up.
        """
        teams = sum(owner.team != "" for owner, _ in places(self._config))
        return MANY if FEW_OF_AN_OWNER * teams <= MANY else MANY // 10

    def drop(self, partition: int) -> None:
        """Remove all summaries of a partition, which another worker has now."""
        if self._partitions.pop(partition, None) is None:
            return
        # A value stream and all nodes below it belong to one partition. Only the portfolio counts several.
        for nodes in (self._boards, self._others):
            for node, board in nodes.items():
                if node.is_everything or self._partition_of(node.value_stream) == partition:
                    nodes[node] = self._new_board(board.version + 1)
        self._paths.clear()
        self._sum_portfolio()

    def _sum_portfolio(self) -> None:
        for node, board in [*self._boards.items(), *self._others.items()]:
            if node.own if node.level == "portfolio" else node.level == "value_stream" and not node.own:
                self._board(Node("portfolio", backlog=node.backlog)).merge(board)
        portfolio = self._board(Node("portfolio", backlog=self._objectives_in["portfolio"]))
        for partition, items in self._partitions.items():
            for key, each in items.summaries.items():
                if isinstance(each, Objective) and self._partition_of(each.owner.value_stream) == partition:
                    self._count_objective(portfolio, key, each, 1)

    def advance(self, now: int) -> None:
        """Let all windows be those of `now` (microseconds)."""
        before, self._now = self._now, now
        former, self.open = self.open.intervals, self.windows.at(now)
        for partition, items in self._partitions.items():
            if before is None or now < before or now >= items.changes_at:
                for label in self.windows.labels:
                    self._shift(partition, items, label, former.get(label), self.open.intervals.get(label))
                items.look_ahead(now, self.windows.widths.values(), self.open.until)

    def nodes(self) -> Iterator[Placed]:
        """Give each node with its limit and board: configured nodes, others that count something, the portfolio."""
        shown = [node for node in self._boards if not node.is_everything]
        shown += sorted((node for node, board in self._others.items() if not board.empty), key=lambda node: node[1:])
        shown += [node for node in self._boards if node.is_everything]
        for node in shown:
            yield node, None if node.own else self._limits.get(node), self._board(node)

    def unplaced(self, partitions: Container[int]) -> Counter[tuple[str, str]]:
        """Count the items of these partitions that no backlog holds, by source and flow item type."""
        found: Counter[tuple[str, str]] = Counter()
        for partition, items in self._partitions.items():
            if partition in partitions:
                found.update(items.unplaced)
        return found

    def items(self, partition: int) -> int:
        """Give the number of summaries of a partition."""
        items = self._partitions.get(partition)
        return 0 if items is None else len(items.summaries)

    def _partition(self, partition: int) -> PartitionItems:
        items = self._partitions.get(partition)
        if items is None:
            items = self._partitions[partition] = PartitionItems()
        return items

    def _move(self, partition: int, old: Counted | None, new: Counted | None) -> None:
        before, after = (
            NO_STATE if old is None else CurrentState.of(old),
            NO_STATE if new is None else CurrentState.of(new),
        )
        if old is not None and new is not None and (old.owner, old.backlog) == (new.owner, new.backlog):
            for board in self._of(new.owner, new.backlog, partition):
                board.move(before, after)
            return
        if old is not None:
            for board in self._of(old.owner, old.backlog, partition):
                board.move(before, NO_STATE)
        if new is not None:
            for board in self._of(new.owner, new.backlog, partition):
                board.move(NO_STATE, after)

    def _count_unplaced(self, partition: int, items: PartitionItems, summary: Counted | None, step: int) -> None:
        """Count an item that no backlog holds, in the partition of its present owner only."""
        if summary is None or summary.backlog is not None or summary.deleted:
            return
        if self._partition_of(summary.owner.value_stream) == partition:
            change(items.unplaced, (summary.source, summary.item_type), step)

    def _restart(self, partition: int, items: PartitionItems, key: bytes, summary: Counted | None, step: int) -> None:
        start = summary and summary.start
        boards = self._of(start.owner, start.backlog, partition) if start else ()
        if not (boards and start):
            return
        (items.starts.add if step > 0 else items.starts.remove)((start.time, key))
        labels = self._holding(items, start.time)
        for board in boards:
            board.past += step
            board.count_arrival(labels, start.item_type, step)

    def _refinish(self, partition: int, items: PartitionItems, key: bytes, summary: Counted | None, step: int) -> None:
        finish = summary and summary.finish
        boards = self._of(finish.owner, finish.backlog, partition) if finish else ()
        if not (boards and summary and finish):
            return
        (items.finishes.add if step > 0 else items.finishes.remove)((finish.time, key))
        labels, counted = self._holding(items, finish.time), Finish.of(summary, finish)
        for board in boards:
            board.past += step
            board.count_finish(labels, counted, step)

    def _holding(self, items: PartitionItems, time: int) -> Sequence[str]:
        """Give the windows that hold an instant, and note when the clock next moves it into or out of one."""
        if self._now is None:
            return ()
        if time > self._now:
            items.changes_at = min(items.changes_at, time)
            return ()
        labels = [label for label, interval in self.open.intervals.items() if interval.has(time)]
        leaves = (time + self.windows.widths[label] for label in labels if label in self.windows.widths)
        items.changes_at = min(items.changes_at, *leaves, NEVER)
        return labels

    def _shift(
        self, partition: int, items: PartitionItems, label: str, old: Interval | None, new: Interval | None
    ) -> None:
        for interval in [] if old is None else old.beyond(new):
            self._cross(partition, items, label, interval, -1)
        for interval in [] if new is None else new.beyond(old):
            self._cross(partition, items, label, interval, 1)

    def _cross(self, partition: int, items: PartitionItems, label: str, interval: Interval, step: int) -> None:
        """Let the starts and finishes in an interval enter (1) or leave (-1) a window."""
        for key in items.starts.within(interval):
            start = items.started(key)
            for board in self._of(start.owner, start.backlog, partition):
                board.count_arrival((label,), start.item_type, step)
        for key in items.finishes.within(interval):
            summary, finish = items.finished(key)
            for board in self._of(finish.owner, finish.backlog, partition):
                board.count_finish((label,), Finish.of(summary, finish), step)

    def _of(self, owner: Owner, backlog: str | None, partition: int) -> tuple[Board, ...]:
        if backlog is None:
            return ()
        found = self._paths.get((owner, backlog))
        if found is None:
            boards = tuple(map(self._board, path(owner, backlog)))
            found = self._paths[owner, backlog] = (self._partition_of(owner.value_stream), boards)
        return found[1] if found[0] == partition else ()

    def _of_objective(self, owner: Owner, partition: int) -> list[Board]:
        if self._partition_of(owner.value_stream) != partition:
            return []
        nodes = (node_of(each, "") for each in above(owner))
        return [self._board(node._replace(backlog=self._objectives_in[node.level])) for node in nodes]

    def _count_objective(self, board: Board, key: bytes, objective: Objective, step: int) -> None:
        mapped = not self._increments or objective.pi in self._increments
        board.count_objective(key, objective, step, mapped=mapped)

    def _board(self, node: Node) -> Board:
        found = self._boards.get(node) or self._others.get(node)
        if found is None:
            found = self._others[node] = self._new_board()
        return found

    def _new_board(self, version: int = 0) -> Board:
        return Board(self.windows.labels, version)


def _finished(summary: Counted | None) -> object:
    if summary is None or summary.finish is None:
        return None
    return summary.finish, summary.start, summary.active, summary.stays
