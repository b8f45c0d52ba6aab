"""Many items at once: counted on a board for each owner first, then added to the boards of its path.

At a start a worker counts a million items: one by one, at every level, that would take several times as long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence

from stream.flow.board import Board, Window
from stream.flow.finished import Finish
from stream.flow.timeline import Span
from stream.items.summary import Stamp, Summary, Team


class Bulk:
    """Items by the owners under which they count: now, at the start, and at the finish."""

    def __init__(self, summaries: Mapping[bytes, Summary]) -> None:
        self.items: dict[Team, list[Summary]] = defaultdict(list)
        self.starts: dict[Team, list[tuple[bytes, Stamp]]] = defaultdict(list)
        self.finishes: dict[Team, list[tuple[bytes, int, Finish]]] = defaultdict(list)
        for key, summary in summaries.items():
            self.items[summary.owner].append(summary)
            if summary.start is not None:
                self.starts[summary.start.owner].append((key, summary.start))
            if summary.finish is not None:
                finish = summary.finish
                self.finishes[finish.owner].append((key, finish.time, Finish.of(summary, finish)))

    @property
    def owners(self) -> set[Team]:
        """Whoever is an owner of any item."""
        return {*self.items, *self.starts, *self.finishes}

    def board(self, owner: Team, spans: Mapping[int, Span]) -> Board:
        """Count an owner's items on a board of their own; `spans` are the windows by width."""
        board = Board(spans)
        board.extend(self.items.get(owner, ()))
        starts, finishes = self.starts.get(owner, ()), self.finishes.get(owner, ())
        board.past = len(starts) + len(finishes)
        if spans:
            _fill(board, spans, starts, finishes)
        return board


def _fill(
    board: Board,
    spans: Mapping[int, Span],
    starts: Sequence[tuple[bytes, Stamp]],
    finishes: Sequence[tuple[bytes, int, Finish]],
) -> None:
    """Count each in the smallest window that holds it, then all of a window in the next larger one."""
    widths = sorted(spans, reverse=True)
    edges = [*(spans[width].low for width in widths), spans[widths[0]].high]
    # What lies after an edge, and up to the next one with it; the first holds what is older, the last what is to come.
    arrivals: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    finished: list[list[Finish]] = [[] for _ in range(len(edges) + 1)]
    for _, stamp in starts:
        arrivals[bisect_left(edges, stamp.time)].append(stamp.item_type)
    for _, time, finish in finishes:
        finished[bisect_left(edges, time)].append(finish)
    smaller = Window()
    for place, width in reversed(list(enumerate(widths, 1))):
        window = board.windows[width]
        window.arrivals.update(arrivals[place])
        window.finishes.extend(finished[place])
        window.merge(smaller)
        smaller = window
