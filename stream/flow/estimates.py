"""Points of items, by flow item type. Items without an estimate are counted apart: no points is not 0 points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stream.flow.counts import add_all, change


class Estimates:
    """Sums that items can be added to and removed from, in any order.

    Attributes:
        points: Points in millionths, by flow item type.
        unestimated: The number of items without an estimate, by flow item type.
    """

    __slots__ = ("points", "unestimated")

    def __init__(self) -> None:
        self.points: Counter[str] = Counter()
        self.unestimated: Counter[str] = Counter()

    def count(self, item_type: str, points: int | None, step: int) -> None:
        """Count an item (`step` 1), or no longer count it (-1); `points` are millionths, None without an estimate."""
        if points is None:
            change(self.unestimated, item_type, step)
        else:
            change(self.points, item_type, step * points)

    def extend(self, items: Iterable[tuple[str, int | None]]) -> None:
        """Count many items, each with its type and points."""
        for item_type, points in items:
            self.count(item_type, points, 1)

    def merge(self, other: Estimates) -> None:
        """Add the sums of another one."""
        add_all(self.points, other.points)
        add_all(self.unestimated, other.unestimated)
