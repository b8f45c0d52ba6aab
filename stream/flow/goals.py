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
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stream.config.model import Duration, FlowConfig, Target
from stream.events.event import SECOND
from stream.flow.board import Board
from stream.flow.nodes import Node, configured_nodes
from stream.flow.predictability import Predictability
from stream.flow.statistics import NEVER


class MeasuredTarget(NamedTuple):
    """A target and what is measured: seconds, items or a ratio. `actual` and `met` are None if nothing is measured."""

    name: str
    metric: str
    at_least: float | None
    at_most: float | None
    actual: float | None
    met: bool | None


class Increment(NamedTuple):
    """A PI: its name, its first instant, and the first instant after it (microseconds)."""

    name: str
    begin: int
    end: int


class Goals:
    """The targets of a configuration, by node."""

    def __init__(self, config: FlowConfig) -> None:
        self._targets: dict[Node, list[Target]] = defaultdict(list)
        nodes = [node for node, _ in configured_nodes(config)]
        for target in config.targets:
            self._targets[next(node for node in nodes if _means(target, node))].append(target)
        zone = ZoneInfo(config.time_zone)
        self._increments = sorted(
            (
                Increment(pi.name, _midnight(pi.start, zone), _midnight(pi.end + timedelta(days=1), zone))
                for pi in config.program_increments
            ),
            key=lambda increment: increment.begin,
        )

    def measure(
        self, node: Node, board: Board, increments: Mapping[str, Predictability], now: int
    ) -> tuple[MeasuredTarget, ...]:
        """Measure the targets of a node at `now` (microseconds), in the order of the file."""
        found = []
        for target in self._targets.get(node, ()):
            at_least, at_most = _bound(target.at_least), _bound(target.at_most)
            if target.metric == "predictability":
                actual = self._predictability(increments, now)
            else:
                actual = _actual(target, board)
            met = None if actual is None else _within(actual, at_least, at_most)
            found.append(MeasuredTarget(target.name, target.metric, at_least, at_most, actual, met))
        return tuple(found)

    def steady_until(self, node: Node, now: int) -> int:
        """Give the first instant after `now` at which the clock alone changes what a target of the node measures."""
        if all(target.metric != "predictability" for target in self._targets.get(node, ())):
            return NEVER
        return min((edge for each in self._increments for edge in each[1:] if edge > now), default=NEVER)

    def _predictability(self, increments: Mapping[str, Predictability], now: int) -> float | None:
        begun = [increment for increment in self._increments if increment.begin <= now]
        values = increments.get(begun[-1].name) if begun else None
        if values is None:
            return None
        return values.projected_ratio if now < begun[-1].end else values.ratio


def _means(target: Target, node: Node) -> bool:
    names = (target.value_stream, target.art, target.team)
    return node.level == target.level and all(name in (None, own) for name, own in zip(names, node[1:], strict=True))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND


def _bound(amount: Duration | float | None) -> float | None:
    return amount.microseconds / SECOND if isinstance(amount, Duration) else amount


def _within(actual: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or actual >= at_least) and (at_most is None or actual <= at_most)


def _actual(target: Target, board: Board) -> float | None:
    if target.window is None:
        return len(board.load)
    window = target.window.microseconds
    done = board.windows[window].numbers().finished
    if target.metric == "flow_time":
        return None if target.quantile is None else board.flow_time(window, target.quantile)
    if target.metric == "velocity":
        return done.velocity.total()
    if target.metric == "efficiency":
        return done.efficiency
    return done.distribution.get(str(target.item_type), 0.0) if done.velocity else None
