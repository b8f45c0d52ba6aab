"""Targets: KPIs tied to goals (flow.yaml, `targets`), measured on the numbers of their node.

| metric | measured |
| --- | --- |
| flow_time | the quantile of flow time over the window, seconds |
| velocity | items finished in the window |
| efficiency | active / elapsed over the window |
| distribution | share of the flow item type among the items finished in the window |
| load | items in progress |
| predictability | projected / planned of the running PI; if none runs, actual / planned of the last one that ended |

During a PI most objectives are not assessed yet: by actual / planned, a target would be missed until the last day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from typing import NamedTuple

from stream.config.model import Duration, FlowConfig, Target
from stream.events.event import SECOND
from stream.flow.board import Board
from stream.flow.nodes import Node, backlog_of_objectives, node_of, places
from stream.flow.predictability import Predictability
from stream.flow.statistics import NEVER
from stream.flow.windows import increments


class MeasuredTarget(NamedTuple):
    """A target and what is measured: seconds, items or a ratio. `actual` and `met` are None if nothing is measured."""

    name: str
    metric: str
    at_least: float | None
    at_most: float | None
    actual: float | None
    met: bool | None


class Goals:
    """The targets of a configuration, by node."""

    def __init__(self, config: FlowConfig) -> None:
        self._targets: dict[Node, list[Target]] = defaultdict(list)
        for target in config.targets:
            backlog = config.backlog_of(target) or backlog_of_objectives(config, target.level)
            nodes = (node_of(owner, backlog) for owner, _ in places(config))
            self._targets[next(node for node in nodes if _means(target, node))].append(target)
        self._labels = {target.name: config.label_of(target.window) for target in config.targets if target.window}
        self._increments = increments(config)

    def measure(
        self, node: Node, board: Board, open_windows: Container[str], increments: Mapping[str, Predictability], now: int
    ) -> tuple[MeasuredTarget, ...]:
        """Measure the targets of a node at `now` (microseconds), in the order of the file."""
        found = []
        for target in self._targets.get(node, ()):
            at_least, at_most = _bound(target.at_least), _bound(target.at_most)
            if target.metric == "predictability":
                actual = self._predictability(increments, now)
            else:
                actual = self._actual(target, board, open_windows)
            met = None if actual is None else _within(actual, at_least, at_most)
            found.append(MeasuredTarget(target.name, target.metric, at_least, at_most, actual, met))
        return tuple(found)

    def steady_until(self, node: Node, now: int) -> int:
        """Give the first instant after `now` at which the clock alone changes what a target of the node measures."""
        if all(target.metric != "predictability" for target in self._targets.get(node, ())):
            return NEVER
        return min((edge for each in self._increments for edge in each[1:] if edge > now), default=NEVER)

    def _actual(self, target: Target, board: Board, open_windows: Container[str]) -> float | None:
        label = self._labels.get(target.name)
        if label is None:
            return len(board.load)
        return _over_window(target, board, label) if label in open_windows else None

    def _predictability(self, increments: Mapping[str, Predictability], now: int) -> float | None:
        begun = [increment for increment in self._increments if increment.begin <= now]
        values = increments.get(begun[-1].name) if begun else None
        if values is None:
            return None
        return values.projected_ratio if now < begun[-1].end else values.ratio


def _means(target: Target, node: Node) -> bool:
    names = (target.value_stream, target.art, target.team)
    return node.level == target.level and all(name in (None, own) for name, own in zip(names, node[1:4], strict=True))


def _bound(amount: Duration | float | None) -> float | None:
    return amount.microseconds / SECOND if isinstance(amount, Duration) else amount


def _within(actual: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or actual >= at_least) and (at_most is None or actual <= at_most)


def _over_window(target: Target, board: Board, label: str) -> float | None:
    done = board.windows[label].numbers().finished
    if target.metric == "flow_time":
        return None if target.quantile is None else board.flow_time(label, target.quantile)
    if target.metric == "velocity":
        return done.velocity.total()
    if target.metric == "efficiency":
        return done.efficiency
    return done.distribution.get(str(target.item_type), 0.0) if done.velocity else None
