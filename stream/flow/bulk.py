"""Many items at once: counted on a board for each owner first, then added to the boards of its path.

At a start a worker counts a million items: one by one, at every level, that would take several times as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stream.flow.board import Board, Standing
from stream.flow.finished import Finish
from stream.flow.timeline import Span
from stream.items.summary import Stamp, Summary, Team


class Bulk:
    """Items by the owners under which they count: now, at the start, and at the finish."""

    def __init__(self, summaries: Mapping[bytes, Summary]) -> None:
        self.standings: dict[Team, list[Standing]] = defaultdict(list)
        self.starts: dict[Team, list[tuple[bytes, Stamp]]] = defaultdict(list)
        self.finishes: dict[Team, list[tuple[bytes, int, Finish]]] = defaultdict(list)
        for key, summary in summaries.items():
            self.standings[summary.owner].append(Standing.of(summary))
            if summary.start is not None:
                self.starts[summary.start.owner].append((key, summary.start))
            if summary.finish is not None:
                finish = summary.finish
                self.finishes[finish.owner].append((key, finish.time, Finish.of(summary, finish)))

    @property
    def owners(self) -> set[Team]:
        """Whoever is an owner of any item."""
        return {*self.standings, *self.starts, *self.finishes}

    def board(self, owner: Team, spans: Mapping[int, Span]) -> Board:
        """Count an owner's items on a board of their own; `spans` are the windows by width."""
        board = Board(spans)
        board.extend(self.standings.get(owner, ()))
        starts, finishes = self.starts.get(owner, ()), self.finishes.get(owner, ())
        board.past = len(starts) + len(finishes)
        for width, span in spans.items():
            _fill(board, width, span, starts, finishes)
        return board


def _fill(
    board: Board,
    width: int,
    span: Span,
    starts: Sequence[tuple[bytes, Stamp]],
    finishes: Sequence[tuple[bytes, int, Finish]],
) -> None:
    low, high = span
    window = board.windows[width]
    window.arrivals.update([stamp.item_type for _, stamp in starts if low < stamp.time <= high])
    window.finishes.extend([finish for _, time, finish in finishes if low < time <= high])
