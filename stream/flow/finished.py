"""The numbers of the items finished in a window.

- Flow velocity (SAFe; Kanban: throughput): the number of items, by flow item type.
- Velocity in points: their estimates at the finish. Items without one are counted as unestimated.
- Flow time: finish - start, in elapsed seconds. Items without a start count in velocity only, and separately.
- Flow efficiency: sum of active seconds / sum of flow time. It is a ratio of sums, so that one-minute items do not
  dominate.
- Flow distribution: share of each flow item type among the finished items.
- Time in state: seconds in each workflow state between start and finish.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from stream.events.event import DAY, SECOND
from stream.flow.counts import add_all, change
from stream.flow.estimates import Estimates
from stream.flow.ranked import Ranked
from stream.flow.statistics import Statistics, describe
from stream.items.stays import Stays
from stream.items.summary import Counted, Stamp

HOUR = 3_600 * SECOND
BUCKETS = (
    HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 10 * DAY, 14 * DAY, 21 * DAY, 30 * DAY,
    45 * DAY, 60 * DAY, 90 * DAY, 120 * DAY, 180 * DAY, 365 * DAY,
)  # fmt: skip


class Finish(NamedTuple):
    """A finished item. Durations are microseconds; `flow_time` is None if the item has no start.

    `points` are millionths; None if the item was not estimated.
    """

    item_type: str
    flow_time: int | None
    active: int
    stays: Mapping[str, int]
    points: int | None = None

    @classmethod
    def of(cls, summary: Counted, finish: Stamp) -> Finish:
        """Give it for an item and its finish."""
        flow_time = None if summary.start is None else finish.time - summary.start.time
        return cls(finish.item_type, flow_time, summary.active, summary.stays, finish.points)


class Finished(NamedTuple):
    """The numbers of a window; durations in seconds.

    `buckets[i]` is the number of items whose flow time is at most `BUCKETS[i]` (microseconds). `points` are millionths.
    `velocity`, `points` and `unestimated` are by flow item type.
    """

    velocity: Counter[str]
    points: Counter[str]
    unestimated: Counter[str]
    without_start: int
    flow_time: Statistics
    buckets: tuple[int, ...]
    active: float
    elapsed: float
    stays: Mapping[str, float]

    @property
    def efficiency(self) -> float | None:
        """Active / elapsed time; None if nothing was measured."""
        return self.active / self.elapsed if self.elapsed else None

    @property
    def distribution(self) -> dict[str, float]:
        """The share of each flow item type, 0 to 1."""
        total = self.velocity.total()
        return {item_type: count / total for item_type, count in self.velocity.items()}


class Finishes:
    """The sums over the finished items of a window. Items can be added and removed in any order."""

    __slots__ = ("_active", "_buckets", "_elapsed", "_estimates", "_stays", "_velocity", "_without_start", "times")

    def __init__(self) -> None:
        # Flow times in microseconds.
        self.times = Ranked[int]()
        self._velocity: Counter[str] = Counter()
        self._estimates = Estimates()
        self._stays: Counter[str] = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._without_start = self._active = self._elapsed = 0

    def add(self, finish: Finish) -> None:
        """Add a finished item."""
        if finish.flow_time is not None:
            self.times.add(finish.flow_time)
        self._count(finish, 1)

    def remove(self, finish: Finish) -> None:
        """Remove a finished item that was added before."""
        if finish.flow_time is not None:
            self.times.remove(finish.flow_time)
        self._count(finish, -1)

    def _count(self, finish: Finish, step: int) -> None:
        change(self._velocity, finish.item_type, step)
        self._estimates.count(finish.item_type, finish.points, step)
        if finish.flow_time is None:
            self._without_start += step
            return
        self._buckets[bisect_left(BUCKETS, finish.flow_time)] += step
        self._active += step * finish.active
        self._elapsed += step * finish.flow_time
        for state, stay in finish.stays.items():
            change(self._stays, state, step * stay)

    def extend(self, finishes: Sequence[Finish]) -> None:
        """Add many finished items. Fast twin of `add`; held equal by tests/flow/test_finished.py."""
        self._velocity.update([finish.item_type for finish in finishes])
        self._estimates.extend([(finish.item_type, finish.points) for finish in finishes])
        measured = [finish for finish in finishes if finish.flow_time is not None]
        times = [finish.flow_time for finish in finishes if finish.flow_time is not None]
        self.times.extend(times)
        self._elapsed += sum(times)
        self._active += sum([finish.active for finish in measured])
        self._without_start += len(finishes) - len(measured)
        for time in times:
            self._buckets[bisect_left(BUCKETS, time)] += 1
        add_all(self._stays, Stays.total([finish.stays for finish in measured]))

    def merge(self, other: Finishes) -> None:
        """Add the sums of another one."""
        add_all(self._velocity, other._velocity)
        self._estimates.merge(other._estimates)
        add_all(self._stays, other._stays)
        self.times.merge(other.times)
        self._buckets = [mine + its for mine, its in zip(self._buckets, other._buckets, strict=True)]
        self._without_start += other._without_start
        self._active += other._active
        self._elapsed += other._elapsed

    def numbers(self) -> Finished:
        """Give the numbers of the window."""
        return Finished(
            velocity=self._velocity.copy(),
            points=self._estimates.points.copy(),
            unestimated=self._estimates.unestimated.copy(),
            without_start=self._without_start,
            flow_time=describe(self.times.ascending(), self._elapsed),
            buckets=tuple(accumulate(self._buckets[:-1])),
            active=self._active / SECOND,
            elapsed=self._elapsed / SECOND,
            stays={state: stay / SECOND for state, stay in self._stays.items()},
        )
