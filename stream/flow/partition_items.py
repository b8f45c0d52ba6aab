"""What a partition of `flow.items` holds: each item's newest summary, and when items started and were finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from stream.flow.statistics import NEVER
from stream.flow.timeline import Interval, Timeline
from stream.items.objective import Objective
from stream.items.summary import Stamp, Summary

ALWAYS = 0


class PartitionItems:
    """One partition.

    `changes_at` is the first instant (microseconds) at which one of its items enters or leaves a window by the clock
    alone.
    """

    __slots__ = ("changes_at", "finishes", "starts", "summaries")

    def __init__(self) -> None:
        self.summaries: dict[bytes, Summary | Objective] = {}
        self.starts = Timeline()
        self.finishes = Timeline()
        self.changes_at = ALWAYS

    def started(self, key: bytes) -> Stamp:
        """Give the start of an item that stands among the starts."""
        return cast("Stamp", cast("Summary", self.summaries[key]).start)

    def finished(self, key: bytes) -> tuple[Summary, Stamp]:
        """Give an item that stands among the finishes, and its finish."""
        summary = cast("Summary", self.summaries[key])
        return summary, cast("Stamp", summary.finish)

    def look_ahead(self, intervals: Iterable[Interval]) -> None:
        """Find out when the windows change next by the clock."""
        found = [interval.high - interval.low + first for interval in intervals for first in self._after(interval.low)]
        found += [first for interval in intervals for first in self._after(interval.high)]
        self.changes_at = min(found, default=NEVER)

    def _after(self, instant: int) -> list[int]:
        firsts = (timeline.first_after(instant) for timeline in (self.starts, self.finishes))
        return [first for first in firsts if first is not None]
