"""The board of one node (team, ART, value stream or portfolio) in one backlog: its counts now and over windows.

Each count that was added can be removed again, in any order. `version` goes up with each change, so a reader sees
without reading the node whether it has changed.
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
from stream.items.summary import LOAD_STATES, Counted, FlowState, Owner

_UNMAPPED = FlowState.UNMAPPED


class WindowNumbers(NamedTuple):
    """A node's numbers over one window; `arrivals` counts the items that started in it, by flow item type."""

    arrivals: Counter[str]
    finished: Finished

    @property
    def is_empty(self) -> bool:
        """Whether nothing started in the window, and nothing was finished."""
        return not (self.arrivals or self.finished.velocity)


class CurrentState(NamedTuple):
    """What a board counts of an item's present.

    Attributes:
        state: The workflow state.
        unmapped: Source and state, if no workflow names the state.
        load: What the item counts as while it is in progress.
    """

    state: str | None
    unmapped: tuple[str, str] | None
    load: InLoad | None

    @classmethod
    def of(cls, summary: Counted) -> CurrentState:
        """Give it for an item; a deleted item has no state."""
        state = summary.state
        if state is None or summary.deleted:
            return cls(None, None, InLoad.of(summary))
        unmapped = (summary.source, state) if summary.flow_state is _UNMAPPED else None
        return cls(state, unmapped, InLoad.of(summary))


NO_STATE = CurrentState(None, None, None)


class Window:
    """One window of a node: the items that started and that were finished in it."""

    __slots__ = ("_numbers", "arrivals", "finishes")

    def __init__(self) -> None:
        self.arrivals: Counter[str] = Counter()
        self.finishes = Finishes()
        self._numbers: WindowNumbers | None = None

    def count_arrival(self, item_type: str, step: int) -> None:
        """Count an item that started (`step` 1), or no longer count it (-1)."""
        change(self.arrivals, item_type, step)
        self._numbers = None

    def count_finish(self, finish: Finish, step: int) -> None:
        """Count an item that was finished (`step` 1), or no longer count it (-1)."""
        (self.finishes.add if step > 0 else self.finishes.remove)(finish)
        self._numbers = None

    def merge(self, other: Window) -> None:
        """Add the counts of another window."""
        add_all(self.arrivals, other.arrivals)
        self.finishes.merge(other.finishes)
        self._numbers = None

    def numbers(self) -> WindowNumbers:
        """Give the numbers; the same object until they change."""
        if self._numbers is None:
            self._numbers = WindowNumbers(self.arrivals.copy(), self.finishes.numbers())
        return self._numbers


class Board:
    """One node's board, with one window for each label."""

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

    def __init__(self, labels: Iterable[str], version: int = 0) -> None:
        self.version = version
        # The number of starts and finishes that belong to the node, in a window or not.
        self.past = 0
        self.load = Load()
        self.states: Counter[str] = Counter()
        self.unmapped: Counter[tuple[str, str]] = Counter()
        self.windows = {label: Window() for label in labels}
        self.objectives: dict[str, dict[tuple[Owner, bytes], Objective]] = {}
        # By source and PI; `unmapped` is by source and state.
        self.unmapped_objectives: Counter[tuple[str, str]] = Counter()
        self._predictability: dict[str, Predictability] = {}

    @property
    def empty(self) -> bool:
        """Whether the board counts nothing."""
        return not (self.states or self.past or self.objectives or self.unmapped_objectives)

    def move(self, old: CurrentState, new: CurrentState) -> None:
        """Count an item in its new state instead of its old one."""
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

    def extend(self, items: Sequence[Counted]) -> None:
        """Add many items that were not counted before.

        Fast twin of `move`, several times faster for many items; held equal by tests/flow/test_windows_and_clock.py.
        """
        self.version += 1
        there = [item for item in items if not item.deleted]
        self.states.update([item.state for item in there if item.state is not None])
        unmapped = [item for item in there if item.flow_state is _UNMAPPED]
        self.unmapped.update([(item.source, item.state) for item in unmapped if item.state is not None])
        self.load.extend([item for item in there if item.flow_state in LOAD_STATES and item.start is not None])

    def merge(self, other: Board) -> None:
        """Add the counts of another board, but not its objectives, which are in no backlog."""
        self.version += 1
        self.past += other.past
        add_all(self.states, other.states)
        add_all(self.unmapped, other.unmapped)
        self.load.merge(other.load)
        for label, window in other.windows.items():
            self.windows[label].merge(window)

    def count_arrival(self, labels: Iterable[str], item_type: str, step: int) -> None:
        """Count a start in these windows (`step` 1), or no longer count it (-1)."""
        self.version += 1
        for label in labels:
            self.windows[label].count_arrival(item_type, step)

    def count_finish(self, labels: Iterable[str], finish: Finish, step: int) -> None:
        """Count a finish in these windows (`step` 1), or no longer count it (-1)."""
        self.version += 1
        for label in labels:
            self.windows[label].count_finish(finish, step)

    def count_objective(self, key: bytes, objective: Objective, step: int, *, mapped: bool = True) -> None:
        """Count a PI objective (`step` 1), or no longer count it (-1). An objective without a PI counts nowhere.

        `mapped` says whether the configuration lists its PI.
        """
        if objective.pi is None:
            return
        self.version += 1
        if not mapped:
            change(self.unmapped_objectives, (objective.source, objective.pi), step)
            return
        objectives = self.objectives.setdefault(objective.pi, {})
        # The owner is part of the key: when an objective moves to another value stream, the portfolio may be given the
        # new one before the old one is removed.
        owned = (objective.owner, key)
        if step > 0:
            objectives[owned] = objective
        else:
            del objectives[owned]
        if not objectives:
            del self.objectives[objective.pi]
        self._predictability.clear()

    def predictability(self) -> dict[str, Predictability]:
        """Give planned, actual and projected value of the last PIs, by name; summed again only after a change."""
        if not self._predictability:
            self._predictability = {
                pi: predictability((each.committed, each.planned, each.actual) for each in objectives.values())
                for pi, objectives in sorted(self.objectives.items())[-MAX_INCREMENTS:]
            }
        return dict(self._predictability)

    def flow_time(self, label: str, q: float) -> float | None:
        """Give any quantile of flow time over a window, in seconds; None if nothing was measured."""
        times = self.windows[label].finishes.times.ascending()
        return quantile(times, q) if times else None
