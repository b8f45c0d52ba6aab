"""The items of one partition of `flow.items`: newest summaries, and when items started and were finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import cast

from stream.flow.timeline import Timeline
from stream.items.objective import Objective
from stream.items.summary import Counted, Stamp

ALWAYS = 0


class PartitionItems:
    """The items of one partition.

    `changes_at` is the first instant (microseconds) at which the clock alone moves an item into or out of a window.
    """

    __slots__ = ("changes_at", "finishes", "starts", "summaries", "unplaced")

    def __init__(self) -> None:
        self.summaries: dict[bytes, Counted | Objective] = {}
        # Items that no backlog holds, by source and flow item type, where their present owner counts.
        self.unplaced: Counter[tuple[str, str]] = Counter()
        self.starts = Timeline()
        self.finishes = Timeline()
        self.changes_at = ALWAYS

    def started(self, key: bytes) -> Stamp:
        """Give the start of an item that is in `starts`."""
        return cast("Stamp", cast("Counted", self.summaries[key]).start)

    def finished(self, key: bytes) -> tuple[Counted, Stamp]:
        """Give an item that is in `finishes`, and its finish."""
        summary = cast("Counted", self.summaries[key])
        return summary, cast("Stamp", summary.finish)

    def look_ahead(self, now: int, widths: Iterable[int], edge: int) -> None:
        """Set `changes_at`: `widths` are those of the trailing windows, `edge` is the next edge of a period."""
        found = [first + width for width in widths for first in self._after(now - width)]
        self.changes_at = min([*found, *self._after(now), edge])

    def _after(self, instant: int) -> list[int]:
        firsts = (timeline.first_after(instant) for timeline in (self.starts, self.finishes))
        return [first for first in firsts if first is not None]
