"""Many items at once: counted on one board for each owner and backlog first, then added to the boards of its path.

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
from stream.items.summary import Counted, Owner

Moment = tuple[int, bytes]
Place = tuple[Owner, str | None]
"""An owner and a backlog; None for items that no backlog holds."""
Each = TypeVar("Each")


class Moments(Generic[Each]):
    """The instants at which items started or were finished.

    Attributes:
        when: Instant (microseconds) and the item's key.
        counted: For each of `when`, what the item counts as.
    """

    __slots__ = ("counted", "when")

    def __init__(self) -> None:
        self.when: list[Moment] = []
        self.counted: list[Each] = []


class Bulk:
    """Items by the places in which they count: owner and backlog now, at the start, and at the finish."""

    def __init__(self, summaries: Mapping[bytes, Counted]) -> None:
        self.items: dict[Place, list[Counted]] = defaultdict(list)
        self.starts: dict[Place, Moments[str]] = defaultdict(Moments)
        self.finishes: dict[Place, Moments[Finish]] = defaultdict(Moments)
        for key, summary in summaries.items():
            self.items[summary.owner, summary.backlog].append(summary)
            start, finish = summary.start, summary.finish
            if start is not None:
                started = self.starts[start.owner, start.backlog]
                started.when.append((start.time, key))
                started.counted.append(start.item_type)
            if finish is not None:
                finished = self.finishes[finish.owner, finish.backlog]
                finished.when.append((finish.time, key))
                finished.counted.append(Finish.of(summary, finish))

    @property
    def places(self) -> set[Place]:
        """All places of any item."""
        return {*self.items, *self.starts, *self.finishes}

    def board(self, place: Place, trailing: Mapping[str, Interval], periods: Mapping[str, Interval]) -> Board:
        """Count the items of a place on a new board; the intervals are those of the windows."""
        board = Board((*trailing, *periods))
        board.extend(self.items.get(place, ()))
        starts, finishes = self.starts[place], self.finishes[place]
        board.past = len(starts.when) + len(finishes.when)
        if trailing:
            _fill(board, trailing, starts, finishes)
        for label, interval in periods.items():
            window = board.windows[label]
            window.arrivals.update(_within(interval, starts))
            window.finishes.extend(_within(interval, finishes))
        return board


def _within(interval: Interval, moments: Moments[Each]) -> list[Each]:
    return [each for (time, _), each in zip(moments.when, moments.counted, strict=True) if interval.has(time)]


def _fill(board: Board, intervals: Mapping[str, Interval], starts: Moments[str], finishes: Moments[Finish]) -> None:
    """Count each item in the smallest trailing window that holds it, then add each window to the next larger one."""
    labels = sorted(intervals, key=lambda label: intervals[label].low)
    edges = [*(intervals[label].low for label in labels), intervals[labels[0]].high]
    # Each list holds what lies after one edge, up to and including the next. The first list is older than all windows,
    # the last is in the future.
    arrivals: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    finished: list[list[Finish]] = [[] for _ in range(len(edges) + 1)]
    for (time, _), item_type in zip(starts.when, starts.counted, strict=True):
        arrivals[bisect_left(edges, time)].append(item_type)
    for (time, _), finish in zip(finishes.when, finishes.counted, strict=True):
        finished[bisect_left(edges, time)].append(finish)
    smaller = Window()
    for place, label in reversed(list(enumerate(labels, 1))):
        window = board.windows[label]
        window.arrivals.update(arrivals[place])
        window.finishes.extend(finished[place])
        window.merge(smaller)
        smaller = window
