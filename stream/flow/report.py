"""A node's numbers at an instant, and their JSON form, which `replay --json` and the topic `flow.metrics` share.

`schemas/node-metrics.schema.json` describes the form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from stream.config.model import MAX_STATES, OTHER, FlowConfig
from stream.events.event import SECOND
from stream.flow.board import Board, WindowNumbers
from stream.flow.boards import Boards
from stream.flow.finished import Finished
from stream.flow.goals import Goals, MeasuredTarget
from stream.flow.load import Ages
from stream.flow.nodes import Node
from stream.flow.predictability import Predictability
from stream.flow.statistics import Statistics
from stream.items.points import MILLION
from stream.items.summary import FlowState

NODE_FIELDS = ("level", "value_stream", "art", "team", "backlog")
_FIGURES = tuple(each.name for each in fields(Statistics))


class NodeNumbers(NamedTuple):
    """What one node shows at one instant; immutable, so that any thread may read it.

    It is the same object until an event or the clock changes something of the node.

    Attributes:
        points: Points of the items in progress, in millionths, by flow item type.
        unestimated: Items in progress without an estimate, by flow item type.
        periods: Names of the periods among the windows, by label.
        ageing: The number of items in progress that are older than the 85 % quantile of flow time in the longest
            trailing window; None if nothing was finished in it.
        blocked_since: Since when the longest-blocked item is blocked (microseconds).
        unmapped: Items in states that no workflow names, by source and state.
        unmapped_objectives: Objectives of PIs that the configuration does not list, by source and PI.
    """

    node: Node
    limit: int | None
    load: int
    points: Mapping[str, int]
    unestimated: Mapping[str, int]
    by_type: Mapping[tuple[str, FlowState], int]
    by_state: Mapping[str, int]
    blocked: Mapping[str, int]
    lower_bounds: int
    states: Mapping[str, int]
    unmapped: Mapping[tuple[str, str], int]
    unmapped_objectives: Mapping[tuple[str, str], int]
    ages: Ages
    ageing: int | None
    blocked_since: int | None
    windows: Mapping[str, WindowNumbers]
    periods: Mapping[str, str]
    predictability: Mapping[str, Predictability]
    targets: tuple[MeasuredTarget, ...]

    def blocked_age_max(self, now: int) -> float | None:
        """Give how long the longest-blocked item in progress is blocked, in seconds; None if no item is blocked."""
        return None if self.blocked_since is None else max(0, now - self.blocked_since) / SECOND


class Kept(NamedTuple):
    """A node's numbers as last read, with the version of its board. They hold from `since` to before `until`."""

    numbers: NodeNumbers
    version: int
    since: int
    until: int


class Reading:
    """Reads the boards with the windows and targets of a configuration. Unchanged nodes are not read again."""

    def __init__(self, config: FlowConfig, boards: Boards) -> None:
        self._boards = boards
        self._longest = max(config.trailing, key=lambda window: window.microseconds, default=None)
        self._goals = Goals(config)
        self._kept: dict[Node, Kept] = {}

    def read(self, now: int, wanted: Callable[[Node], bool] | None = None) -> list[NodeNumbers]:
        """Read the wanted nodes, or all, at `now` (microseconds)."""
        found = {node: kept.numbers for node, kept in self.ahead(now, wanted)}
        self._kept = {node: self._kept[node] for node in found}
        return list(found.values())

    def ahead(self, now: int, wanted: Callable[[Node], bool] | None = None) -> Iterator[tuple[Node, Kept]]:
        """Read them one by one, to be kept: `read` then reads only the nodes that have changed since."""
        self._boards.advance(now)
        for node, limit, board in list(self._boards.nodes()):
            if wanted is None or wanted(node):
                kept = self._kept.get(node)
                if kept is None or kept.version != board.version or not kept.since <= now < kept.until:
                    kept = self._kept[node] = self._read(node, limit, board, now)
                yield node, kept

    def _read(self, node: Node, limit: int | None, board: Board, now: int) -> Kept:
        load, predictability = board.load, board.predictability()
        longest, opened = self._longest, self._boards.open
        line = None if longest is None else board.windows[str(longest)].numbers().finished.flow_time.p85
        numbers = NodeNumbers(
            node=node,
            limit=limit,
            load=len(load),
            points=dict(load.estimates.points),
            unestimated=dict(load.estimates.unestimated),
            by_type=dict(load.by_type),
            by_state=dict(load.by_state),
            blocked=dict(load.blocked),
            lower_bounds=load.lower_bounds,
            states=dict(board.states),
            unmapped=dict(board.unmapped),
            unmapped_objectives=dict(board.unmapped_objectives),
            ages=load.ages(now),
            ageing=None if line is None else load.older_than(line, now),
            blocked_since=load.blocked_since,
            windows={label: board.windows[label].numbers() for label in opened.intervals},
            periods=opened.names,
            predictability=predictability,
            targets=self._goals.measure(node, board, opened.intervals, predictability, now),
        )
        edges = (load.steady_until(now, line), self._goals.steady_until(node, now), opened.until)
        return Kept(numbers, board.version, now, min(edges))


def as_json(numbers: NodeNumbers, at: int) -> dict[str, Any]:
    """Write a node's numbers as of an instant (microseconds), in the form of the contract.

    Durations are seconds; a statistic of no items is null.
    """
    by_type: Counter[str] = Counter()
    for (item_type, _), count in numbers.by_type.items():
        by_type[item_type] += count
    return {
        **dict(zip(NODE_FIELDS, numbers.node, strict=False)),
        "load": {
            "items": numbers.load,
            "points": sum(numbers.points.values()) / MILLION,
            "unestimated": sum(numbers.unestimated.values()),
            "by_type": _sorted(by_type),
            "by_state": bounded(numbers.by_state),
            "blocked": sum(numbers.blocked.values()),
            "limit": numbers.limit,
        },
        "age": _figures(numbers.ages.at(at)),
        "ageing": numbers.ageing,
        "blocked_age_max": numbers.blocked_age_max(at),
        "unmapped": by_source(bounded_places(numbers.unmapped)),
        "unmapped_objectives": by_source(bounded_places(numbers.unmapped_objectives)),
        "windows": {
            label: _period(label, numbers.periods) | _window(window) for label, window in numbers.windows.items()
        },
        "predictability": {
            pi: {**values._asdict(), "ratio": values.ratio} for pi, values in numbers.predictability.items()
        },
        "targets": [target._asdict() for target in numbers.targets],
    }


def by_source(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Write counts by source and state, PI or flow item type as JSON, in sorted order."""
    found: dict[str, dict[str, int]] = {}
    for (source, name), count in sorted(counts.items()):
        found.setdefault(source, {})[name] = count
    return found


def bounded(states: Mapping[str, Any]) -> dict[str, Any]:
    """Bound the workflow states of a node: the first `MAX_STATES` in sorted order stay, the rest count as `other`."""
    names = sorted(states)
    kept = {name: states[name] for name in names[:MAX_STATES]}
    if len(names) > MAX_STATES:
        kept[OTHER] = kept.get(OTHER, 0) + sum(states[name] for name in names[MAX_STATES:])
    return kept


def bounded_places(unmapped: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Bound sources and states, or sources and PIs, in the same way."""
    found: Counter[tuple[str, str]] = Counter()
    for number, (place, count) in enumerate(sorted(unmapped.items())):
        found[place if number < MAX_STATES else (OTHER, OTHER)] += count
    return found


def _period(label: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Name the PI, or the first day of the iteration, that a window is; a trailing window has no name."""
    return {label.removeprefix("previous_"): names[label]} if label in names else {}


def _window(window: WindowNumbers) -> dict[str, Any]:
    done: Finished = window.finished
    return {
        "arrivals": window.arrivals.total(),
        "velocity": done.velocity.total(),
        "velocity_points": done.points.total() / MILLION,
        "unestimated": done.unestimated.total(),
        "velocity_by_type": _sorted(done.velocity),
        "without_start": done.without_start,
        "flow_time": _figures(done.flow_time),
        "active_seconds": done.active,
        "elapsed_seconds": done.elapsed,
        "efficiency": done.efficiency,
        "distribution": _sorted(done.distribution),
        "state_seconds": bounded(done.stays),
    }


def _figures(statistics: Statistics) -> dict[str, float | None]:
    # `dataclasses.asdict` makes deep copies, which took most of the time of a node.
    return {name: getattr(statistics, name) for name in _FIGURES}


def _sorted(counts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(counts.items()))
