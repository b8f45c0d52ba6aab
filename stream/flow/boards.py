"""All boards of a worker: a summary replaces the item's former one, at every level of its owners' paths.

Load counts under the owner that an item has now, arrivals under its owner at the start, velocity under its owner at the
finish. So each level is the sum of the one below, and a move inside an ART changes nothing for the ART.

The trailing windows of all boards end at one instant, which `advance` sets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence

from stream.config.model import FlowConfig
from stream.flow.board import NO_STATE, Board, CurrentState
from stream.flow.bulk import Bulk
from stream.flow.finished import Finish
from stream.flow.nodes import PORTFOLIO, Node, configured_nodes, path
from stream.flow.partition_items import ALWAYS, PartitionItems
from stream.flow.timeline import Interval
from stream.items.objective import Objective
from stream.items.summary import Summary, Team

FEW_OF_AN_OWNER = 16
MANY = 20_000
Placed = tuple[Node, int | None, Board]


class Boards:
    """The boards of the partitions of `flow.items` that this worker holds.

    `partition_of` gives the partition of a value stream. A board counts only summaries of its own partition, so an item
    that is in two partitions is counted once in each.
    """

    def __init__(self, config: FlowConfig, partition_of: Callable[[str], int]) -> None:
        self._partition_of = partition_of
        self._widths = tuple(sorted(window.microseconds for window in config.windows))
        self._limits = dict(configured_nodes(config))
        # If the configuration lists no PIs, none can be checked, and each objective counts under the PI it names.
        self._increments = frozenset(increment.name for increment in config.program_increments)
        self._boards: dict[Node, Board] = {node: Board(self._widths) for node in self._limits}
        # Nodes that the configuration does not name: items that nobody owns count there.
        self._others: dict[Node, Board] = {}
        self._partitions: dict[int, PartitionItems] = {}
        self._now: int | None = None
        self._intervals: dict[int, Interval] = {}
        # The cache needs no bound: owners are the teams of the configuration, or nobody.
        self._paths: dict[Team, tuple[int, tuple[Board, ...]]] = {}

    def put(self, partition: int, key: bytes, summary: Summary | Objective | None) -> None:
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
                mapped = not self._increments or each.pi in self._increments
                for board in self._of(each.owner, partition):
                    board.count_objective(key, each, step, mapped=mapped)
        old = former if isinstance(former, Summary) else None
        new = summary if isinstance(summary, Summary) else None
        self._move(partition, old, new)
        # Most events change neither start nor finish, and so no window.
        if (old and old.start) != (new and new.start):
            self._restart(partition, items, key, old, -1)
            self._restart(partition, items, key, new, 1)
        if _finished(old) != _finished(new):
            self._refinish(partition, items, key, old, -1)
            self._refinish(partition, items, key, new, 1)

    def put_all(self, partition: int, summaries: Mapping[bytes, Summary | Objective]) -> None:
        """Put many summaries.

        Fast twin of `put`, several times faster for items that are new here; held equal by
        tests/flow/test_windows_and_clock.py.
        """
        items = self._partition(partition)
        known = items.summaries
        fresh = {key: each for key, each in summaries.items() if isinstance(each, Summary) and key not in known}
        for key in summaries.keys() - fresh.keys():
            self.put(partition, key, summaries[key])
        bulk = Bulk(fresh)
        if len(fresh) < FEW_OF_AN_OWNER * len(bulk.owners):
            # With few items of each owner, a board for each owner costs more than it saves.
            for key, summary in fresh.items():
                self.put(partition, key, summary)
            return
        items.summaries.update(fresh)
        for owner in bulk.owners:
            boards = self._of(owner, partition)
            if boards:
                items.starts.extend(bulk.starts[owner].when)
                items.finishes.extend(bulk.finishes[owner].when)
                summed = bulk.board(owner, self._intervals)
                for board in boards:
                    board.merge(summed)
        items.changes_at = ALWAYS

    @property
    def at_once(self) -> int:
        """The best number of items for one call of `put_all`.

        Many, if each owner has enough of them to gain by it; else few, so that the event loop is not held up.
        """
        teams = sum(node.level == "team" for node in self._limits)
        return MANY if FEW_OF_AN_OWNER * teams <= MANY else MANY // 10

    def drop(self, partition: int) -> None:
        """Remove all summaries of a partition, which another worker has now."""
        if self._partitions.pop(partition, None) is None:
            return
        # A value stream and all nodes below it belong to one partition. Only the portfolio counts several.
        for nodes in (self._boards, self._others):
            for node, board in nodes.items():
                if node == PORTFOLIO or self._partition_of(node.value_stream) == partition:
                    nodes[node] = Board(self._widths, board.version + 1)
        for nodes in (self._boards, self._others):
            for node, board in nodes.items():
                if node.level == "value_stream":
                    self._boards[PORTFOLIO].merge(board)
        self._paths.clear()

    def advance(self, now: int) -> None:
        """Let all windows end at `now` (microseconds)."""
        before, self._now = self._now, now
        former, self._intervals = self._intervals, {width: Interval(now - width, now) for width in self._widths}
        for partition, items in self._partitions.items():
            if before is None or now < before or now >= items.changes_at:
                for width, interval in self._intervals.items():
                    self._shift(partition, items, width, former.get(width), interval)
                items.look_ahead(self._intervals.values())

    def nodes(self) -> Iterator[Placed]:
        """Give each node with its limit and board: configured nodes, others that count something, the portfolio."""
        *configured, portfolio = self._boards
        for node in configured:
            yield node, self._limits[node], self._boards[node]
        for node in sorted(self._others, key=lambda node: node[1:]):
            if not self._others[node].empty:
                yield node, None, self._others[node]
        yield portfolio, None, self._boards[portfolio]

    def items(self, partition: int) -> int:
        """Give the number of summaries of a partition."""
        items = self._partitions.get(partition)
        return 0 if items is None else len(items.summaries)

    def _partition(self, partition: int) -> PartitionItems:
        items = self._partitions.get(partition)
        if items is None:
            items = self._partitions[partition] = PartitionItems()
        return items

    def _move(self, partition: int, old: Summary | None, new: Summary | None) -> None:
        before, after = (
            NO_STATE if old is None else CurrentState.of(old),
            NO_STATE if new is None else CurrentState.of(new),
        )
        if old is not None and new is not None and old.owner == new.owner:
            for board in self._of(new.owner, partition):
                board.move(before, after)
            return
        if old is not None:
            for board in self._of(old.owner, partition):
                board.move(before, NO_STATE)
        if new is not None:
            for board in self._of(new.owner, partition):
                board.move(NO_STATE, after)

    def _restart(self, partition: int, items: PartitionItems, key: bytes, summary: Summary | None, step: int) -> None:
        boards = self._of(summary.start.owner, partition) if summary and summary.start else ()
        if not (boards and summary and summary.start):
            return
        start = summary.start
        (items.starts.add if step > 0 else items.starts.remove)((start.time, key))
        widths = self._holding(items, start.time)
        for board in boards:
            board.past += step
            board.count_arrival(widths, start.item_type, step)

    def _refinish(self, partition: int, items: PartitionItems, key: bytes, summary: Summary | None, step: int) -> None:
        boards = self._of(summary.finish.owner, partition) if summary and summary.finish else ()
        if not (boards and summary and summary.finish):
            return
        finish = summary.finish
        (items.finishes.add if step > 0 else items.finishes.remove)((finish.time, key))
        widths, counted = self._holding(items, finish.time), Finish.of(summary, finish)
        for board in boards:
            board.past += step
            board.count_finish(widths, counted, step)

    def _holding(self, items: PartitionItems, time: int) -> Sequence[int]:
        """Give the widths of the windows that hold an instant, and note when it next enters or leaves one."""
        if self._now is None:
            return ()
        if time > self._now:
            items.changes_at = min(items.changes_at, time)
            return ()
        widths = self._widths[bisect_right(self._widths, self._now - time) :]
        if widths:
            items.changes_at = min(items.changes_at, time + widths[0])
        return widths

    def _shift(self, partition: int, items: PartitionItems, width: int, old: Interval | None, new: Interval) -> None:
        leaving = None if old is None else old.beyond(new)
        for interval, step in ((leaving, -1), (new if old is None else new.beyond(old), 1)):
            if interval is not None:
                self._cross(partition, items, width, interval, step)

    def _cross(self, partition: int, items: PartitionItems, width: int, interval: Interval, step: int) -> None:
        """Let the starts and finishes in an interval enter (1) or leave (-1) the windows of a width."""
        for key in items.starts.within(interval):
            start = items.started(key)
            for board in self._of(start.owner, partition):
                board.count_arrival((width,), start.item_type, step)
        for key in items.finishes.within(interval):
            summary, finish = items.finished(key)
            for board in self._of(finish.owner, partition):
                board.count_finish((width,), Finish.of(summary, finish), step)

    def _of(self, owner: Team, partition: int) -> tuple[Board, ...]:
        found = self._paths.get(owner)
        if found is None:
            found = self._paths[owner] = (self._partition_of(owner.value_stream), tuple(map(self._board, path(owner))))
        return found[1] if found[0] == partition else ()

    def _board(self, node: Node) -> Board:
        found = self._boards.get(node) or self._others.get(node)
        if found is None:
            found = self._others[node] = Board(self._widths)
        return found


def _finished(summary: Summary | None) -> object:
    if summary is None or summary.finish is None:
        return None
    return summary.finish, summary.start, summary.active, summary.stays
