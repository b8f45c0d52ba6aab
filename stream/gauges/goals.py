"""A node's PI objectives and targets as metric families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream.flow.report import NodeNumbers
from stream.flow.statistics import SECOND


def add_goals(families: Mapping[str, Any], numbers: NodeNumbers, met_since: Mapping[str, int]) -> None:
    """Add what a node plans, achieves and aims at; `met_since` in microseconds, by name of the target."""
    node = numbers.node
    labels = [*node[1:], node.level]
    for pi, values in numbers.predictability.items():
        if node.level == "team":
            for name, value in values._asdict().items():
                families[f"flow_objective_{name}_value"].add_metric([*node[1:], pi], value)
        if values.ratio is not None:
            families["flow_predictability_ratio"].add_metric([*labels, pi], values.ratio)
    for target in numbers.targets:
        names = [*labels, target.name, target.metric]
        for bound, amount in (("at_least", target.at_least), ("at_most", target.at_most)):
            if amount is not None:
                families["flow_target_value"].add_metric([*names, bound], amount)
        if target.actual is not None:
            families["flow_target_actual_value"].add_metric(names, target.actual)
            families["flow_target_met"].add_metric(names, float(target.met is True))
        if target.met and target.name in met_since:
            families["flow_target_met_since_timestamp_seconds"].add_metric(names, met_since[target.name] / SECOND)
