"""Flow load: the items in progress, and their age.

SAFe: "how many items are currently in the system"; Kanban: WIP. An item is in progress while its flow state is
`active` or `waiting`. Its age is now - start, in seconds. Load is counted under the owner and the flow item type
that the item has now. A blocked item is in progress too; blocked items are also counted separately.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from stream.events.event import SECOND
from stream.flow.counts import add_all, change
from stream.flow.estimates import Estimates
from stream.flow.ranked import Ranked
from stream.flow.statistics import NEVER, QUANTILES, Statistics, between, rank
from stream.items.summary import Counted, FlowState


class InLoad(NamedTuple):
    """What an item in progress counts as; instants are microseconds, points millionths.

    `kind` is flow item type and flow state. `blocked` is the flow item type while the item is blocked, else None.
    """

    kind: tuple[str, FlowState]
    state: str
    blocked: str | None
    start_is_lower_bound: bool
    start: int
    blocked_since: int | None
    points: int | None = None

    @classmethod
    def of(cls, summary: Counted) -> InLoad | None:
        """Give it for an item; None if the item is not in progress."""
        start, flow_state, state = summary.start, summary.flow_state, summary.state
        if not summary.in_load or start is None or flow_state is None:
            return None
        if state is None:
            raise ValueError(f"item {summary.item!r} is in load without a state")
        blocked = None if summary.blocked_since is None else summary.item_type
        lower = summary.start_is_lower_bound
        since = summary.blocked_since
        return cls((summary.item_type, flow_state), state, blocked, lower, start.time, since, summary.points)


class Ages(NamedTuple):
    """The ages of the items in progress, kept as starts. Instants are microseconds.

    Ages grow with the clock. Kept as starts, they can be given for any later instant without reading the node again.

    Attributes:
        items: The number of items in progress.
        total: The sum of their starts.
        marks: For each of `QUANTILES`, the two starts around its rank and the share between them, 0 to 1.
        oldest: The first start.
    """

    items: int = 0
    total: int = 0
    marks: tuple[tuple[int, int, float], ...] = ()
    oldest: int = 0

    def at(self, now: int) -> Statistics:
        """Give the ages at an instant, which must not be before the one at which they were read."""
        if not self.items:
            return Statistics()
        p50, p85, p95 = (between(now - low, now - high, share) for low, high, share in self.marks)
        mean = (self.items * now - self.total) / self.items / SECOND
        return Statistics(self.items, mean, p50, p85, p95, (now - self.oldest) / SECOND)


class Load:
    """The load of one node."""

    __slots__ = ("_blocked_since", "_starts", "_sum", "blocked", "by_state", "by_type", "estimates", "lower_bounds")

    def __init__(self) -> None:
        self.by_type: Counter[tuple[str, FlowState]] = Counter()
        self.by_state: Counter[str] = Counter()
        self.blocked: Counter[str] = Counter()
        self.estimates = Estimates()
        self.lower_bounds = 0
        self._starts = Ranked[int]()
        self._sum = 0
        self._blocked_since = Ranked[int]()

    def __len__(self) -> int:
        return len(self._starts)

    def replace(self, old: InLoad | None, new: InLoad | None) -> None:
        """Count an item as `new` instead of `old`; None means not in progress."""
        if old is not None:
            self._count(old, -1)
        if new is not None:
            self._count(new, 1)
        old_start, new_start = None if old is None else old.start, None if new is None else new.start
        # Most changes of state do not change the start.
        if old_start != new_start:
            _swap(self._starts, old_start, new_start)
            self._sum += (new_start or 0) - (old_start or 0)
        old_since, new_since = None if old is None else old.blocked_since, None if new is None else new.blocked_since
        if old_since != new_since:
            _swap(self._blocked_since, old_since, new_since)

    def _count(self, item: InLoad, step: int) -> None:
        change(self.by_type, item.kind, step)
        change(self.by_state, item.state, step)
        self.estimates.count(item.kind[0], item.points, step)
        if item.blocked is not None:
            change(self.blocked, item.blocked, step)
        self.lower_bounds += step * item.start_is_lower_bound

    def extend(self, items: Sequence[Counted]) -> None:
        """Add many items in progress. Fast twin of `replace`; held equal by tests/flow/test_windows_and_clock.py."""
        self.by_type.update([(item.item_type, item.flow_state) for item in items if item.flow_state is not None])
        self.by_state.update([item.state for item in items if item.state is not None])
        self.blocked.update([item.item_type for item in items if item.blocked_since is not None])
        self.estimates.extend([(item.item_type, item.points) for item in items])
        self.lower_bounds += sum([item.start_is_lower_bound for item in items])
        starts = [item.start.time for item in items if item.start is not None]
        self._starts.extend(starts)
        self._sum += sum(starts)
        self._blocked_since.extend([item.blocked_since for item in items if item.blocked_since is not None])

    def merge(self, other: Load) -> None:
        """Add the load of another node."""
        add_all(self.by_type, other.by_type)
        add_all(self.by_state, other.by_state)
        add_all(self.blocked, other.blocked)
        self.estimates.merge(other.estimates)
        self.lower_bounds += other.lower_bounds
        self._starts.merge(other._starts)
        self._sum += other._sum
        self._blocked_since.merge(other._blocked_since)

    def ages(self, now: int) -> Ages:
        """Give the ages of the items in progress; an item that starts after `now` counts with age 0."""
        starts = self._starts.ascending()
        if not starts:
            return Ages()
        if starts[-1] > now:
            return _ages([min(start, now) for start in starts], sum(min(start, now) for start in starts))
        return _ages(starts, self._sum)

    def steady_until(self, now: int, line: float | None) -> int:
        """Give an instant before which no item starts or becomes older than `line` (seconds); `NEVER` if none will."""
        starts = self._starts.ascending()
        if starts and starts[-1] > now:
            return now + 1
        if line is None or not starts:
            return NEVER
        young = len(starts) - self.older_than(line, now)
        # An instant that is a little early does no harm: the node is read again then.
        return max(now + 1, starts[-young] + int(line * SECOND)) if young else NEVER

    def older_than(self, age: float, now: int) -> int:
        """Count the items in progress whose age at `now` is above `age` (seconds)."""
        starts, count = self._starts.ascending(), self._starts.place(now - round(age * SECOND))
        # `age` may lie between two whole microseconds, and was rounded.
        while count < len(starts) and (now - starts[count]) / SECOND > age:
            count += 1
        return count

    @property
    def blocked_since(self) -> int | None:
        """The instant since which the longest-blocked item in progress is blocked; None if no item is blocked."""
        return self._blocked_since.ascending()[0] if self._blocked_since else None


def _ages(starts: Sequence[int], total: int) -> Ages:
    """Give the ages of starts in ascending order: the highest age is that of the first."""
    last = len(starts) - 1
    ranks = [rank(last + 1, q) for q in QUANTILES]
    marks = tuple((starts[last - low], starts[last - high], share) for low, high, share in ranks)
    return Ages(last + 1, total, marks, starts[0])


def _swap(times: Ranked[int], old: int | None, new: int | None) -> None:
    if old is not None:
        times.remove(old)
    if new is not None:
        times.add(new)
