"""Flow load: the items in progress, and their age.

SAFe: "how many items are currently in the system"; Kanban: WIP. An item is in progress while its flow state is
`active` or `waiting`. Its age is now - start, in seconds. Load is counted under the owner and the flow item type
that the item has now. A blocked item is in progress too, and counted apart.
"""

from __future__ import annotations

from collections import Counter
from itertools import takewhile
from typing import Any

from sortedcontainers import SortedList

from stream.flow.statistics import SECOND, Statistics, describe
from stream.items.summary import FlowState, Stamp, Summary


class Load:
    """The load of one node."""

    def __init__(self) -> None:
        self.by_type: Counter[tuple[str, FlowState]] = Counter()
        self.by_state: Counter[str] = Counter()
        self.blocked: Counter[str] = Counter()
        self.lower_bounds = 0
        self._starts: Any = SortedList()
        self._blocked_since: Any = SortedList()

    def __len__(self) -> int:
        return len(self._starts)

    def put(self, summary: Summary, start: Stamp) -> None:
        """Put an item in."""
        self._count(summary, 1)
        self._starts.add(start.time)
        if summary.blocked_since is not None:
            self._blocked_since.add(summary.blocked_since)

    def take(self, summary: Summary, start: Stamp) -> None:
        """Take an item out that was put in."""
        self._count(summary, -1)
        self._starts.remove(start.time)
        if summary.blocked_since is not None:
            self._blocked_since.remove(summary.blocked_since)

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
        return describe([max(0, now - start) for start in reversed(self._starts)])

    def older_than(self, age: float, now: int) -> int:
        """Count the items in progress whose age at `now` is above `age` (seconds)."""
        return sum(1 for _ in takewhile(lambda start: (now - start) / SECOND > age, self._starts))

    def blocked_age_max(self, now: int) -> float | None:
        """Give how long (seconds) the longest-blocked item in progress has been blocked; None where none is."""
        return max(0, now - self._blocked_since[0]) / SECOND if self._blocked_since else None


def change(counter: Counter[Any], key: Any, step: int) -> None:
    """Add to a count, and forget it at zero, so that a board that was emptied equals a new one."""
    counter[key] += step
    if not counter[key]:
        del counter[key]
