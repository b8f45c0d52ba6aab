"""What the items finished in a window come to.

- Flow velocity (SAFe; Kanban: throughput): how many, by flow item type.
- Flow time: finish - start, elapsed seconds. Items without a start count in velocity and not here; they are
  counted apart.
- Flow efficiency: sum of active seconds / sum of flow time: a ratio of sums, so that one-minute items do not
  dominate.
- Flow distribution: share of each flow item type among the finished items.
- Time in state: seconds in each workflow state between start and finish.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stream.flow.statistics import SECOND, Statistics, describe

HOUR = 3_600 * SECOND
DAY = 24 * HOUR
BUCKETS = (
    HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 10 * DAY, 14 * DAY, 21 * DAY, 30 * DAY,
    45 * DAY, 60 * DAY, 90 * DAY, 120 * DAY, 180 * DAY, 365 * DAY,
)  # fmt: skip


class Finish(NamedTuple):
    """A finished item on a node's timeline; `flow_time` is None without a start; durations in microseconds."""

    time: int
    item: bytes
    item_type: str
    flow_time: int | None
    active: int
    stays: Mapping[str, int]


class Finished(NamedTuple):
    """The numbers of a window; seconds, except `buckets`: how many items took at most `BUCKETS[i]`."""

    velocity: Counter[str]
    without_start: int
    flow_time: Statistics
    buckets: tuple[int, ...]
    active: float
    elapsed: float
    stays: Mapping[str, float]

    @property
    def efficiency(self) -> float | None:
        """Active / elapsed; None where nothing was measured."""
        return self.active / self.elapsed if self.elapsed else None

    @property
    def distribution(self) -> dict[str, float]:
        """Share of each flow item type."""
        total = self.velocity.total()
        return {item_type: count / total for item_type, count in self.velocity.items()}


def finished(finishes: Iterable[Finish]) -> Finished:
    """Sum up the finished items of a window."""
    velocity: Counter[str] = Counter()
    stays: Counter[str] = Counter()
    times: list[int] = []
    active = without_start = 0
    for finish in finishes:
        velocity[finish.item_type] += 1
        if finish.flow_time is None:
            without_start += 1
            continue
        times.append(finish.flow_time)
        active += finish.active
        stays.update(finish.stays)
    times.sort()
    return Finished(
        velocity=velocity,
        without_start=without_start,
        flow_time=describe(times),
        buckets=tuple(bisect_right(times, bound) for bound in BUCKETS),
        active=active / SECOND,
        elapsed=sum(times) / SECOND,
        stays={state: stay / SECOND for state, stay in stays.items() if stay},
    )
