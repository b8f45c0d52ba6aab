"""The board of one node (team, ART, value stream or portfolio): what it counts now and over trailing windows.

Whatever is put in can be taken out again: `take` undoes `put`, in any order.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from stream.flow.finished import Finish, Finished, finished
from stream.flow.load import Load, change
from stream.flow.predictability import MAX_INCREMENTS, Predictability, predictability
from stream.flow.statistics import quantile
from stream.flow.timeline import Slice, Timeline
from stream.items.objective import Objective
from stream.items.summary import FlowState, Stamp, Summary


class WindowNumbers(NamedTuple):
    """A node's numbers over one trailing window; `arrivals`: items started in it, by flow item type."""

    arrivals: Counter[str]
    finished: Finished


class Board:
    """One node's board."""

    def __init__(self) -> None:
        self.load = Load()
        self.states: Counter[str] = Counter()
        self.unmapped: Counter[tuple[str, str]] = Counter()
        self._arrivals = Timeline()
        self._finishes = Timeline()
        self._cache: dict[int, tuple[Slice, Slice, WindowNumbers]] = {}
        self._flow_times: dict[tuple[int, float], tuple[Slice, float | None]] = {}
        self._objectives: dict[str, dict[bytes, Objective]] = {}
        self._predictability: dict[str, Predictability] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing counts here."""
        return not (self.states or len(self._arrivals) or len(self._finishes) or self._objectives)

    def count_state(self, old: Summary | None, new: Summary | None) -> None:
        """Count an item in the workflow state it is in, and no more in the one it was in; so in load."""
        for summary, step in ((old, -1), (new, 1)):
            if summary is not None and summary.state is not None and not summary.deleted:
                change(self.states, summary.state, step)
                if summary.flow_state is FlowState.UNMAPPED:
                    change(self.unmapped, (summary.source, summary.state), step)
        self.load.replace(old, new)

    def count_arrival(self, key: bytes, start: Stamp, step: int) -> None:
        """Count an item that started."""
        _move(self._arrivals, (start.time, key, start.item_type), step)

    def count_finish(self, key: bytes, summary: Summary, finish: Stamp, step: int) -> None:
        """Count an item that was finished."""
        flow_time = None if summary.start is None else finish.time - summary.start.time
        row = Finish(finish.time, key, finish.item_type, flow_time, summary.active, summary.stays)
        _move(self._finishes, row, step)

    def count_objective(self, key: bytes, objective: Objective, step: int) -> None:
        """Count a PI objective."""
        if objective.pi is None:
            return
        held = self._objectives.setdefault(objective.pi, {})
        if step > 0:
            held[key] = objective
        else:
            del held[key]
        if not held:
            del self._objectives[objective.pi]
        self._predictability.clear()

    def predictability(self) -> dict[str, Predictability]:
        """Give planned, actual and projected value of the last PIs by name; summed anew only after a change."""
        if not self._predictability:
            self._predictability = {
                pi: predictability((each.committed, each.planned, each.actual) for each in held.values())
                for pi, held in sorted(self._objectives.items())[-MAX_INCREMENTS:]
            }
        return dict(self._predictability)

    def flow_time(self, window: int, q: float, now: int) -> float | None:
        """Give any quantile (seconds) of flow time over (now - window, now]; None where nothing was measured."""
        cut = self._finishes.cut(window, now)
        kept = self._flow_times.get((window, q))
        if kept is None or kept[0] != cut:
            times = sorted(row.flow_time for row in self._finishes.read(cut) if row.flow_time is not None)
            kept = self._flow_times[window, q] = cut, quantile(times, q) if times else None
        return kept[1]

    def window(self, window: int, now: int) -> WindowNumbers:
        """Give the numbers over (now - window, now], in microseconds; summed anew only where the cut has changed."""
        arrivals, finishes = self._arrivals.cut(window, now), self._finishes.cut(window, now)
        kept = self._cache.get(window)
        if kept is not None and kept[:2] == (arrivals, finishes):
            return kept[2]
        numbers = WindowNumbers(
            Counter(item_type for _, _, item_type in self._arrivals.read(arrivals)),
            finished(self._finishes.read(finishes)),
        )
        self._cache[window] = arrivals, finishes, numbers
        return numbers


def _move(timeline: Timeline, entry: tuple[object, ...], step: int) -> None:
    (timeline.put if step > 0 else timeline.take)(entry)
