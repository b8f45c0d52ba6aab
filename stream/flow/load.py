"""Flow load: the items in progress, and their age.

SAFe: "how many items are currently in the system"; Kanban: WIP. An item is in progress while its flow state is
`active` or `waiting`. Its age is now - start, in seconds. Load is counted under the owner and the flow item type
that the item has now. A blocked item is in progress too, and counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sortedcontainers import SortedList

from stream.flow.statistics import SECOND, Statistics, describe
from stream.items.summary import FlowState, Summary


class Load:
    """The load of one node."""

    def __init__(self) -> None:
        self.by_type: Counter[tuple[str, FlowState]] = Counter()
        self.by_state: Counter[str] = Counter()
        self.blocked: Counter[str] = Counter()
        self.lower_bounds = 0
        self._starts: Any = SortedList()
        self._sum = 0
        self._blocked_since: Any = SortedList()

    def __len__(self) -> int:
        return len(self._starts)

    def replace(self, old: Summary | None, new: Summary | None) -> None:
        """Take an item out as it was and put it in as it is; None, or what is not in progress, counts for nothing."""
        was, now = _counted(old), _counted(new)
        for summary, step in ((was, -1), (now, 1)):
            if summary is not None:
                self._count(summary, step)
        old_start, new_start = _start(was), _start(now)
        _swap(self._starts, old_start, new_start)
        self._sum += (new_start or 0) - (old_start or 0)
        _swap(self._blocked_since, _blocked_since(was), _blocked_since(now))

    def _count(self, summary: Summary, step: int) -> None:
        flow_state, state = summary.flow_state, summary.state
        if flow_state is None or state is None:
            raise ValueError(f"item {summary.item!r} is in load without a state")
        change(self.by_type, (summary.item_type, flow_state), step)
        change(self.by_state, state, step)
        if summary.blocked:
            change(self.blocked, summary.item_type, step)
        self.lower_bounds += step * summary.start_is_lower_bound

    def age(self, now: int) -> Statistics:
        """Describe the age at `now` of the items in progress."""
        starts = self._starts
        if starts and starts[-1] > now:
            return describe([max(0, now - start) for start in reversed(starts)])
        return describe(_Ages(starts, now), len(starts) * now - self._sum)

    def older_than(self, age: float, now: int) -> int:
        """Count the items in progress whose age at `now` is above `age` (seconds)."""
        starts = self._starts
        count: int = starts.bisect_left(now - round(age * SECOND))
        # An age between two whole microseconds may have been rounded up.
        while count < len(starts) and (now - starts[count]) / SECOND > age:
            count += 1
        return count

    def blocked_age_max(self, now: int) -> float | None:
        """Give how long (seconds) the longest-blocked item in progress has been blocked; None where none is."""
        return max(0, now - self._blocked_since[0]) / SECOND if self._blocked_since else None


class _Ages(Sequence[int]):
    """Ages in ascending order, of starts in ascending order: read where they are asked for, and never all."""

    def __init__(self, starts: Sequence[int], now: int) -> None:
        self._starts = starts
        self._now = now

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: Any) -> Any:
        return self._now - self._starts[-1 - place if place >= 0 else -place - 1]


def _counted(summary: Summary | None) -> Summary | None:
    return summary if summary is not None and summary.in_load and summary.start is not None else None


def _start(summary: Summary | None) -> int | None:
    return None if summary is None or summary.start is None else summary.start.time


def _blocked_since(summary: Summary | None) -> int | None:
    return None if summary is None else summary.blocked_since


def _swap(times: Any, old: int | None, new: int | None) -> None:
    # Most changes of state leave the start where it was.
    if old == new:
        return
    if old is not None:
        times.remove(old)
    if new is not None:
        times.add(new)


def change(counter: Counter[Any], key: Any, step: int) -> None:
    """Add to a count, and forget it at zero, so that a board that was emptied equals a new one."""
    counter[key] += step
    if not counter[key]:
        del counter[key]
