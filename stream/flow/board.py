"""The board of one node (team, ART, value stream or portfolio): what it counts now and over trailing windows.

Whatever is put in can be taken out again, in any order. `version` goes up with each change, so that a node need not be
read anew to see that nothing has happened to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stream.flow.counts import add_all, change
from stream.flow.finished import Finish, Finished, Finishes
from stream.flow.load import InLoad, Load
from stream.flow.predictability import MAX_INCREMENTS, Predictability, predictability
from stream.flow.statistics import quantile
from stream.items.objective import Objective
from stream.items.summary import LOAD_STATES, FlowState, Summary, Team

_UNMAPPED = FlowState.UNMAPPED


class WindowNumbers(NamedTuple):
    """A node's numbers over one trailing window; `arrivals`: items started in it, by flow item type."""

    arrivals: Counter[str]
    finished: Finished


class CurrentState(NamedTuple):
    """Where an item stands now: its workflow state, with its source if no workflow names it; its load, if in load."""

    state: str | None
    unmapped: tuple[str, str] | None
    load: InLoad | None

    @classmethod
    def of(cls, summary: Summary) -> CurrentState:
        """Give it for an item; a deleted one stands nowhere."""
        state = summary.state
        if state is None or summary.deleted:
            return cls(None, None, InLoad.of(summary))
        unmapped = (summary.source, state) if summary.flow_state is _UNMAPPED else None
        return cls(state, unmapped, InLoad.of(summary))


NO_STATE = CurrentState(None, None, None)


class Window:
    """One trailing window of a node: what started and what was finished in it."""

    __slots__ = ("_numbers", "arrivals", "finishes")

    def __init__(self) -> None:
        self.arrivals: Counter[str] = Counter()
        self.finishes = Finishes()
        self._numbers: WindowNumbers | None = None

    def count_arrival(self, item_type: str, step: int) -> None:
        """Count an item that started."""
        change(self.arrivals, item_type, step)
        self._numbers = None

    def count_finish(self, finish: Finish, step: int) -> None:
        """Count an item that was finished."""
        (self.finishes.add if step > 0 else self.finishes.remove)(finish)
        self._numbers = None

    def merge(self, other: Window) -> None:
        """Count what another has counted."""
        add_all(self.arrivals, other.arrivals)
        self.finishes.merge(other.finishes)
        self._numbers = None

    def numbers(self) -> WindowNumbers:
        """Give the numbers: the same object until they change."""
        if self._numbers is None:
            self._numbers = WindowNumbers(self.arrivals.copy(), self.finishes.numbers())
        return self._numbers


class Board:
    """One node's board, with a window of each of the widths."""

    __slots__ = (
        "_predictability",
        "load",
        "objectives",
        "past",
        "states",
        "unmapped",
        "unmapped_objectives",
        "version",
        "windows",
    )

    def __init__(self, widths: Iterable[int], version: int = 0) -> None:
        self.version = version
        # How many starts and finishes belong here, in the windows or not.
        self.past = 0
        self.load = Load()
        self.states: Counter[str] = Counter()
        self.unmapped: Counter[tuple[str, str]] = Counter()
        self.windows = {width: Window() for width in widths}
        self.objectives: dict[str, dict[tuple[Team, bytes], Objective]] = {}
        # By source and PI, as `unmapped` is by source and state.
        self.unmapped_objectives: Counter[tuple[str, str]] = Counter()
        self._predictability: dict[str, Predictability] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing counts here."""
        return not (self.states or self.past or self.objectives or self.unmapped_objectives)

    def move(self, old: CurrentState, new: CurrentState) -> None:
        """Count an item where it stands, and no more where it stood."""
        self.version += 1
        if old.state != new.state:
            if old.state is not None:
                change(self.states, old.state, -1)
            if new.state is not None:
                change(self.states, new.state, 1)
        if old.unmapped != new.unmapped:
            if old.unmapped is not None:
                change(self.unmapped, old.unmapped, -1)
            if new.unmapped is not None:
                change(self.unmapped, new.unmapped, 1)
        if old.load != new.load:
            self.load.replace(old.load, new.load)

    def extend(self, items: Sequence[Summary]) -> None:
        """Count many items that stood nowhere, several times faster than one by one."""
        self.version += 1
        there = [item for item in items if not item.deleted]
        self.states.update([item.state for item in there if item.state is not None])
        unmapped = [item for item in there if item.flow_state is _UNMAPPED]
        self.unmapped.update([(item.source, item.state) for item in unmapped if item.state is not None])
        self.load.extend([item for item in there if item.flow_state in LOAD_STATES and item.start is not None])

    def merge(self, other: Board) -> None:
        """Count what another has counted."""
        self.version += 1
        self.past += other.past
        add_all(self.states, other.states)
        add_all(self.unmapped, other.unmapped)
        add_all(self.unmapped_objectives, other.unmapped_objectives)
        self.load.merge(other.load)
        for width, window in other.windows.items():
            self.windows[width].merge(window)
        for pi, objectives in other.objectives.items():
            self.objectives.setdefault(pi, {}).update(objectives)
            self._predictability.clear()

    def count_arrival(self, widths: Iterable[int], item_type: str, step: int) -> None:
        """Count an item that started in the windows of these widths."""
        self.version += 1
        for width in widths:
            self.windows[width].count_arrival(item_type, step)

    def count_finish(self, widths: Iterable[int], finish: Finish, step: int) -> None:
        """Count an item that was finished in the windows of these widths."""
        self.version += 1
        for width in widths:
            self.windows[width].count_finish(finish, step)

    def count_objective(self, key: bytes, objective: Objective, step: int, *, mapped: bool = True) -> None:
        """Count a PI objective; `mapped`: whether the configuration has its PI. One without a PI counts nowhere."""
        if objective.pi is None:
            return
        self.version += 1
        if not mapped:
            change(self.unmapped_objectives, (objective.source, objective.pi), step)
            return
        held = self.objectives.setdefault(objective.pi, {})
        # With its owner, since while it moves between value streams it may be put in there before it is taken out here.
        place = (objective.owner, key)
        if step > 0:
            held[place] = objective
        else:
            del held[place]
        if not held:
            del self.objectives[objective.pi]
        self._predictability.clear()

    def predictability(self) -> dict[str, Predictability]:
        """Give planned, actual and projected value of the last PIs by name; summed anew only after a change."""
        if not self._predictability:
            self._predictability = {
                pi: predictability((each.committed, each.planned, each.actual) for each in held.values())
                for pi, held in sorted(self.objectives.items())[-MAX_INCREMENTS:]
            }
        return dict(self._predictability)

    def flow_time(self, width: int, q: float) -> float | None:
        """Give any quantile (seconds) of flow time over a window; None where nothing was measured."""
        times = self.windows[width].finishes.times.ascending()
        return quantile(times, q) if times else None
