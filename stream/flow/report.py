"""A node's numbers at an instant, and their JSON form (CONTRACT: `replay --json`; `schemas/replay.schema.json`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from stream.config.model import FlowConfig
from stream.flow.board import Board, WindowNumbers
from stream.flow.boards import Boards, Node
from stream.flow.finished import Finished
from stream.flow.goals import Goals, Measured
from stream.flow.predictability import Predictability
from stream.flow.statistics import Statistics
from stream.items.rules import OTHER
from stream.items.summary import FlowState

MAX_STATES = 500


class NodeNumbers(NamedTuple):
    """What one node shows at one instant; immutable, so that any thread may read it.

    `ageing`: items in progress older than 85 % of what the node finished in the longest window; None where it finished
    nothing. `blocked_age_max`: seconds. `unmapped`: items in states that no workflow names, by source and state.
    """

    node: Node
    limit: int | None
    load: int
    by_type: Mapping[tuple[str, FlowState], int]
    by_state: Mapping[str, int]
    blocked: Mapping[str, int]
    lower_bounds: int
    states: Mapping[str, int]
    unmapped: Mapping[tuple[str, str], int]
    age: Statistics
    ageing: int | None
    blocked_age_max: float | None
    windows: Mapping[str, WindowNumbers]
    predictability: Mapping[str, Predictability]
    targets: tuple[Measured, ...]


class Reading:
    """What a configuration wants to be read: windows and targets."""

    def __init__(self, config: FlowConfig) -> None:
        self.windows = config.windows
        self.longest = max(window.microseconds for window in config.windows)
        self.goals = Goals(config)


def read(
    boards: Boards, reading: Reading, now: int, wanted: Callable[[Node], bool] = lambda _: True
) -> list[NodeNumbers]:
    """Read the wanted nodes at `now` (microseconds)."""
    return [_read_node(node, limit, board, reading, now) for node, limit, board in boards.nodes() if wanted(node)]


def _read_node(node: Node, limit: int | None, board: Board, reading: Reading, now: int) -> NodeNumbers:
    load = board.load
    line = board.window(reading.longest, now).finished.flow_time.p85
    predictability = board.predictability()
    return NodeNumbers(
        node=node,
        limit=limit,
        load=len(load),
        by_type=dict(load.by_type),
        by_state=dict(load.by_state),
        blocked=dict(load.blocked),
        lower_bounds=load.lower_bounds,
        states=dict(board.states),
        unmapped=dict(board.unmapped),
        age=load.age(now),
        ageing=None if line is None else load.older_than(line, now),
        blocked_age_max=load.blocked_age_max(now),
        windows={window.label: board.window(window.microseconds, now) for window in reading.windows},
        predictability=predictability,
        targets=reading.goals.measure(node, board, predictability, now),
    )


def as_json(numbers: NodeNumbers) -> dict[str, Any]:
    """Write a node's numbers as the contract has them: seconds as numbers, null for the statistic of nothing."""
    by_type: Counter[str] = Counter()
    for (item_type, _), count in numbers.by_type.items():
        by_type[item_type] += count
    return {
        **numbers.node._asdict(),
        "load": {
            "items": numbers.load,
            "by_type": _sorted(by_type),
            "by_state": bounded(numbers.by_state),
            "blocked": sum(numbers.blocked.values()),
            "limit": numbers.limit,
        },
        "age": asdict(numbers.age),
        "ageing": numbers.ageing,
        "blocked_age_max": numbers.blocked_age_max,
        "unmapped": _by_source(numbers.unmapped),
        "windows": {label: _window(window) for label, window in numbers.windows.items()},
        "predictability": {
            pi: {**values._asdict(), "ratio": values.ratio} for pi, values in numbers.predictability.items()
        },
        "targets": [target._asdict() for target in numbers.targets],
    }


def _by_source(unmapped: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (source, state), count in bounded_places(unmapped).items():
        found.setdefault(source, {})[state] = count
    return found


def bounded(states: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the workflow states of a node within bounds: beyond `MAX_STATES`, in their order, all others are `other`."""
    names = sorted(states)
    kept = {name: states[name] for name in names[:MAX_STATES]}
    if len(names) > MAX_STATES:
        kept[OTHER] = kept.get(OTHER, 0) + sum(states[name] for name in names[MAX_STATES:])
    return kept


def bounded_places(unmapped: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Keep sources and states within bounds, in the same way."""
    found: Counter[tuple[str, str]] = Counter()
    for number, (place, count) in enumerate(sorted(unmapped.items())):
        found[place if number < MAX_STATES else (OTHER, OTHER)] += count
    return found


def _window(window: WindowNumbers) -> dict[str, Any]:
    done: Finished = window.finished
    return {
        "arrivals": window.arrivals.total(),
        "velocity": done.velocity.total(),
        "velocity_by_type": _sorted(done.velocity),
        "without_start": done.without_start,
        "flow_time": asdict(done.flow_time),
        "active_seconds": done.active,
        "elapsed_seconds": done.elapsed,
        "efficiency": done.efficiency,
        "distribution": _sorted(done.distribution),
        "state_seconds": bounded(done.stays),
    }


def _sorted(counts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(counts.items()))
