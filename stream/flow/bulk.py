"""Many items at once: counted on one board for each owner first, then added to the boards of the owner's path.

Fast twin of `Boards.put`; held equal by tests/flow/test_windows_and_clock.py. A worker counts a million items when it
starts; one by one, at every level, that takes several times as long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import Generic, TypeVar

from stream.flow.board import Board, Window
from stream.flow.finished import Finish
from stream.flow.timeline import Interval
from stream.items.summary import Summary, Team

Moment = tuple[int, bytes]
Counted = TypeVar("Counted")


class Moments(Generic[Counted]):
    """The instants at which items started or were finished.

    Attributes:
        when: Instant (microseconds) and the item's key.
        counted: For each of `when`, what the item counts as.
    """

    __slots__ = ("counted", "when")

    def __init__(self) -> None:
        self.when: list[Moment] = []
        self.counted: list[Counted] = []


class Bulk:
    """Items by the owners under which they count: the owner now, at the start, and at the finish."""

    def __init__(self, summaries: Mapping[bytes, Summary]) -> None:
        self.items: dict[Team, list[Summary]] = defaultdict(list)
        self.starts: dict[Team, Moments[str]] = defaultdict(Moments)
        self.finishes: dict[Team, Moments[Finish]] = defaultdict(Moments)
        for key, summary in summaries.items():
            self.items[summary.owner].append(summary)
            start, finish = summary.start, summary.finish
            if start is not None:
                started = self.starts[start.owner]
                started.when.append((start.time, key))
                started.counted.append(start.item_type)
            if finish is not None:
                finished = self.finishes[finish.owner]
                finished.when.append((finish.time, key))
                finished.counted.append(Finish.of(summary, finish))

    @property
    def owners(self) -> set[Team]:
        """All owners of any item."""
        return {*self.items, *self.starts, *self.finishes}

    def board(self, owner: Team, intervals: Mapping[int, Interval]) -> Board:
        """Count an owner's items on a new board; `intervals` are the windows by width."""
        board = Board(intervals)
        board.extend(self.items.get(owner, ()))
        starts, finishes = self.starts[owner], self.finishes[owner]
        board.past = len(starts.when) + len(finishes.when)
        if intervals:
            _fill(board, intervals, starts, finishes)
        return board


def _fill(board: Board, intervals: Mapping[int, Interval], starts: Moments[str], finishes: Moments[Finish]) -> None:
    """Count each item in the smallest window that holds it, then add each window to the next larger one."""
    widths = sorted(intervals, reverse=True)
    edges = [*(intervals[width].low for width in widths), intervals[widths[0]].high]
    # Each list holds what lies after one edge, up to and including the next. The first list is older than all windows,
    # the last is in the future.
    arrivals: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    finished: list[list[Finish]] = [[] for _ in range(len(edges) + 1)]
    for (time, _), item_type in zip(starts.when, starts.counted, strict=True):
        arrivals[bisect_left(edges, time)].append(item_type)
    for (time, _), finish in zip(finishes.when, finishes.counted, strict=True):
        finished[bisect_left(edges, time)].append(finish)
    smaller = Window()
    for place, width in reversed(list(enumerate(widths, 1))):
        window = board.windows[width]
        window.arrivals.update(arrivals[place])
        window.finishes.extend(finished[place])
        window.merge(smaller)
        smaller = window
