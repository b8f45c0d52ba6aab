"""What differs between the product's numbers and the oracle's, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isclose
from typing import Any

from tests.oracle.rules import Json
from tests.oracle.series import Series

COUNTS = {
    "flow_load_items",
    "flow_blocked_items",
    "flow_state_items",
    "flow_unmapped_items",
    "flow_unmapped_objectives",
    "flow_velocity_items",
    "flow_arrivals_items",
    "flow_without_start_items",
    "flow_load_unestimated_items",
    "flow_velocity_unestimated_items",
    "flow_unplaced_items",
    "flow_item_age_lower_bound_items",
    "flow_time_seconds_bucket",
    "flow_time_seconds_gcount",
}
SUMS = {
    "flow_load_points",
    "flow_velocity_points",
    "flow_time_seconds_gsum",
    "flow_active_seconds",
    "flow_elapsed_seconds",
    "flow_state_seconds",
    "flow_objective_planned_value",
    "flow_objective_actual_value",
    "flow_objective_projected_value",
}
STATISTICS = {
    "flow_program_increment_info",
    "flow_load_limit_items",
    "flow_load_ratio",
    "flow_time_quantile_seconds",
    "flow_time_mean_seconds",
    "flow_efficiency_ratio",
    "flow_distribution_ratio",
    "flow_item_age_quantile_seconds",
    "flow_item_age_max_seconds",
    "flow_ageing_items",
    "flow_blocked_age_max_seconds",
    "flow_predictability_ratio",
    "flow_target_value",
    "flow_target_actual_value",
    "flow_target_met",
}
# What the oracle does not compute: the engine's own metrics, and what depends on when flowgauge ran.
LEFT_OUT = {
    "flow_target_met_since_timestamp_seconds",
    "flow_events_total",
    "flow_dead_letters_total",
    "flow_unreadable_records_total",
    "flow_clock_anomalies_total",
    "flow_backdated_events_total",
    "flow_late_events_total",
    "flow_summaries_merged_total",
    "flow_newest_event_timestamp_seconds",
    "flow_freshness_seconds_bucket",
    "flow_freshness_seconds_count",
    "flow_freshness_seconds_sum",
    "flow_lag_events",
    "flow_ready",
    "flow_tracked_items",
    "flow_snapshot_timestamp_seconds",
    "flow_snapshot_duration_seconds",
    "flow_build_info",
    "flow_exported_series",
}

PLACE = ("level", "value_stream", "art", "team", "backlog")


def near(one: float, other: float) -> bool:
    """Tell whether two sums or ratios are equal except for rounding."""
    return isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


def compare(actual: Mapping[Series, float], expected: Mapping[Series, float]) -> list[str]:
    """List how a scrape differs from the oracle's gauges. Metrics of `LEFT_OUT` are not compared.

    A count or sum that is missing is 0. A statistic is there exactly where it is of something; only the
    share of a type that finished nothing may be there, as 0, beside the shares of the others.
    A metric that is in none of the lists above is a difference, so that none goes unchecked.
    """
    actual, expected = plain(actual), plain(expected)
    found = []
    for series in sorted({*actual, *expected}, key=describe):
        name, (got, want) = series[0], (actual.get(series), expected.get(series))
        if name in COUNTS:
            agree = (got or 0.0) == (want or 0.0)
        elif name in SUMS:
            agree = near(got or 0.0, want or 0.0)
        elif name in STATISTICS and want is None:
            agree = got == 0.0 and is_idle_share(series, expected)
        elif name in STATISTICS:
            agree = got is not None and want is not None and near(got, want)
        else:
            agree = name in LEFT_OUT
        if not agree:
            listed = name in COUNTS | SUMS | STATISTICS
            hint = "" if listed else ", and it is in no list of tests/oracle/comparison.py"
            found.append(f"{describe(series)}: {got} instead of {want}{hint}")
    return found


def plain(gauges: Mapping[Series, float]) -> dict[Series, float]:
    """Leave out labels without a value: Prometheus takes them for no labels."""
    return {
        (
            name,
            frozenset((key, bound(value) if key == "le" else value) for key, value in labels if value),
        ): gauge
        for (name, labels), gauge in gauges.items()
    }


def bound(value: str) -> str:
    """Write a bucket's bound one way: 1.2096e+06 is 1209600.0."""
    return str(float(value))


def is_idle_share(series: Series, expected: Mapping[Series, float]) -> bool:
    """Tell whether the series is a type's share where other types finished items."""
    name, labels = series
    if name != "flow_distribution_ratio":
        return False
    place = {label for label in labels if label[0] != "item_type"}
    return any(other == name and place < set(others) for other, others in expected)


def describe(series: Series) -> str:
    """Write a series as Prometheus does."""
    name, labels = series
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in sorted(labels)) + "}"


def compare_numbers(actual: Json, expected: Json) -> list[str]:
    """List how the object of `replay --json` differs from the oracle's.

    Counts are equal, seconds and ratios equal except for rounding. The order of nodes means nothing, and an
    `unassigned` node in which all is zero may as well be missing. So may `unplaced`: messages of the feed have none.
    """
    found = []
    if datetime.fromisoformat(actual["at"]) != datetime.fromisoformat(expected["at"]):
        found.append(f"at: {actual['at']} instead of {expected['at']}")
    nodes, wanted = by_place(actual), by_place(expected)
    if len(nodes) != len(actual["nodes"]):
        found.append("nodes: one stands there twice")
    for place in sorted({*nodes, *wanted}):
        node, want = nodes.get(place), wanted.get(place)
        if node is not None and want is not None:
            found += differences(name_of(place), node, want)
        elif "unassigned" not in place or is_alive(node or want):
            found.append(f"{name_of(place)}: {'surplus' if node else 'missing'} node")
    if "unplaced" in actual:
        found += differences("unplaced", actual["unplaced"], expected["unplaced"])
    return found


def by_place(numbers: Json) -> dict[tuple[str, ...], Json]:
    """Find the nodes by their level, path and backlog."""
    return {tuple(node[label] for label in PLACE): node for node in numbers["nodes"]}


def name_of(place: tuple[str, ...]) -> str:
    """Write a node's level and path, and its backlog."""
    *path, backlog = filter(None, place)
    return f"{'/'.join(path)}:{backlog}"


def is_alive(value: Any) -> bool:
    """Tell whether any number below is not zero."""
    if isinstance(value, dict):
        return any(is_alive(part) for part in value.values())
    return isinstance(value, int | float) and value != 0


def differences(path: str, actual: Any, expected: Any) -> list[str]:
    """Compare two values of JSON, naming each place where they differ."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        found = []
        for key in sorted({*actual, *expected}):
            if key in actual and key in expected:
                found += differences(f"{path}.{key}", actual[key], expected[key])
            else:
                found.append(f"{path}.{key}: {'surplus' if key in actual else 'missing'}")
        return found
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        pairs = enumerate(zip(actual, expected, strict=True))
        return [line for number, (one, other) in pairs for line in differences(f"{path}[{number}]", one, other)]
    if isinstance(expected, float) and isinstance(actual, int | float):
        agree = near(actual, expected)
    else:
        agree = actual == expected
    return [] if agree else [f"{path}: {actual!r} instead of {expected!r}"]
