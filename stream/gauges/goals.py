"""A node's PI objectives and targets as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stream.events.event import SECOND
from stream.flow.goals import MeasuredTarget
from stream.flow.report import NodeNumbers
from stream.gauges.catalogue import Gauge, Row


def objectives(numbers: NodeNumbers) -> Iterator[Gauge]:
    """Yield the business value that a node plans and achieves."""
    increments = numbers.predictability.items()
    if numbers.node.level == "team":
        yield "flow_objective_planned_value", [((pi,), values.planned) for pi, values in increments]
        yield "flow_objective_actual_value", [((pi,), values.actual) for pi, values in increments]
        yield "flow_objective_projected_value", [((pi,), values.projected) for pi, values in increments]
    ratios = ((pi, values.ratio) for pi, values in increments)
    yield "flow_predictability_ratio", [((pi,), ratio) for pi, ratio in ratios if ratio is not None]


def targets(numbers: NodeNumbers) -> Iterator[Gauge]:
    """Yield a node's targets and their actual values."""
    backlog = numbers.node.backlog
    yield "flow_target_value", [row for target in numbers.targets for row in _bounds(target, backlog)]
    measured = [(target, target.actual) for target in numbers.targets if target.actual is not None]
    yield "flow_target_actual_value", [(_named(target, backlog), actual) for target, actual in measured]
    yield "flow_target_met", [(_named(target, backlog), float(target.met is True)) for target, _ in measured]


def met_since(numbers: NodeNumbers, since: Mapping[str, int]) -> Iterator[Gauge]:
    """Yield since when a node's targets have been seen met; `since` is in microseconds, by name."""
    met = [target for target in numbers.targets if target.met and target.name in since]
    rows = [(_named(target, numbers.node.backlog), since[target.name] / SECOND) for target in met]
    yield "flow_target_met_since_timestamp_seconds", rows


def _bounds(target: MeasuredTarget, backlog: str) -> list[Row]:
    bounds = (("at_least", target.at_least), ("at_most", target.at_most))
    return [((*_named(target, backlog), bound), amount) for bound, amount in bounds if amount is not None]


def _named(target: MeasuredTarget, backlog: str) -> tuple[str, str, str]:
    """Give name, metric and backlog; a target for predictability has none."""
    return target.name, target.metric, "" if target.metric == "predictability" else backlog
