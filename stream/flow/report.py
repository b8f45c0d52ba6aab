"""A node's numbers at an instant, and their JSON form (CONTRACT: `replay --json`; `schemas/replay.schema.json`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from stream.config.model import Duration
from stream.flow.board import Board, WindowNumbers
from stream.flow.boards import Boards, Node
from stream.flow.finished import Finished
from stream.flow.statistics import Statistics
from stream.items.summary import FlowState


class NodeNumbers(NamedTuple):
    """What one node shows at one instant; immutable, so that any thread may read it."""

    node: Node
    limit: int | None
    load: int
    by_type: Mapping[tuple[str, FlowState], int]
    by_state: Mapping[str, int]
    blocked: Mapping[str, int]
    lower_bounds: int
    states: Mapping[str, int]
    age: Statistics
    windows: Mapping[str, WindowNumbers]


def read(
    boards: Boards, windows: Iterable[Duration], now: int, wanted: Callable[[Node], bool] = lambda _: True
) -> list[NodeNumbers]:
    """Read the wanted nodes at `now` (microseconds)."""
    windows = tuple(windows)
    return [_read_node(node, limit, board, windows, now) for node, limit, board in boards.nodes() if wanted(node)]


def _read_node(node: Node, limit: int | None, board: Board, windows: tuple[Duration, ...], now: int) -> NodeNumbers:
    load = board.load
    return NodeNumbers(
        node=node,
        limit=limit,
        load=len(load),
        by_type=dict(load.by_type),
        by_state=dict(load.by_state),
        blocked=dict(load.blocked),
        lower_bounds=load.lower_bounds,
        states=dict(board.states),
        age=load.age(now),
        windows={window.label: board.window(window.microseconds, now) for window in windows},
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
            "by_state": _sorted(numbers.by_state),
            "blocked": sum(numbers.blocked.values()),
            "limit": numbers.limit,
        },
        "age": asdict(numbers.age),
        "windows": {label: _window(window) for label, window in numbers.windows.items()},
    }


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
        "state_seconds": _sorted(done.stays),
    }


def _sorted(counts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(counts.items()))
