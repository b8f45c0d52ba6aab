"""The items of one partition of `flow.items`: newest summaries, and when items started and were finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from stream.flow.statistics import NEVER
from stream.flow.timeline import Interval, Timeline
from stream.items.objective import Objective
from stream.items.summary import Stamp, Summary

ALWAYS = 0


class PartitionItems:
    """The items of one partition.

    `changes_at` is the first instant (microseconds) at which the clock alone moves an item into or out of a window.
    """

    __slots__ = ("changes_at", "finishes", "starts", "summaries")

    def __init__(self) -> None:
        self.summaries: dict[bytes, Summary | Objective] = {}
        self.starts = Timeline()
        self.finishes = Timeline()
        self.changes_at = ALWAYS

    def started(self, key: bytes) -> Stamp:
        """Give the start of an item that is in `starts`."""
        return cast("Stamp", cast("Summary", self.summaries[key]).start)

    def finished(self, key: bytes) -> tuple[Summary, Stamp]:
        """Give an item that is in `finishes`, and its finish."""
        summary = cast("Summary", self.summaries[key])
        return summary, cast("Stamp", summary.finish)

    def look_ahead(self, intervals: Iterable[Interval]) -> None:
        """Set `changes_at` for these windows."""
        found = [interval.high - interval.low + first for interval in intervals for first in self._after(interval.low)]
        found += [first for interval in intervals for first in self._after(interval.high)]
        self.changes_at = min(found, default=NEVER)

    def _after(self, instant: int) -> list[int]:
        firsts = (timeline.first_after(instant) for timeline in (self.starts, self.finishes))
        return [first for first in firsts if first is not None]
