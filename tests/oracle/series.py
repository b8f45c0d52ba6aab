"""Every gauge of the contract that depends on items, and the reading of a scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from tests.oracle.lives import Life, lives
from tests.oracle.nodes import DEFAULT_WINDOWS, numbers
from tests.oracle.rules import Json, Owner
from tests.oracle.statistics import length

Series = tuple[str, frozenset[tuple[str, str]]]

HOUR = 3600
DAY = 24 * HOUR
BOUNDS = [float(bound) for bound in (HOUR, 4 * HOUR, 8 * HOUR)] + [
    float(days * DAY) for days in (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365)
]
QUANTILES = {"0.5": "p50", "0.85": "p85", "0.95": "p95"}


def gauges(events: Iterable[Json], config: Json, at: datetime) -> dict[Series, float]:
    """Compute the gauges: counts and sums that are not zero, and the statistics of something."""
    known = list(events)
    everyone = lives(known, config, at)
    counts = Counter(counted_now(everyone))
    sums: dict[Series, timedelta] = {}
    for window in config.get("windows") or DEFAULT_WINDOWS:
        begin = at - length(window)
        counts.update(counted_in(window, begin, everyone))
        for name, lasted in summed_in(window, begin, everyone):
            sums[name] = sums.get(name, timedelta()) + lasted
    found = {name: float(count) for name, count in counts.items()}
    found |= {name: lasted / timedelta(seconds=1) for name, lasted in sums.items() if lasted}
    for node in numbers(known, config, at)["nodes"]:
        found |= statistics(node)
    return found


def series(name: str, **labels: str) -> Series:
    """Name a series; labels without a value are no labels."""
    return name, frozenset((label, value) for label, value in labels.items() if value)


def at_team(name: str, owner: Owner, **labels: str) -> Series:
    """Name a team's series."""
    return series(name, value_stream=owner[0], art=owner[1], team=owner[2], **labels)


def counted_now(everyone: list[Life]) -> list[Series]:
    """Name, once for each item that counts in it, the series of the items as they are now."""
    found = []
    for now in [life.now for life in everyone if not life.now.deleted and life.now.state is not None]:
        found.append(at_team("flow_state_items", now.owner, state=str(now.state)))
    for now in [life.now for life in everyone if life.in_load]:
        flow_state = str(now.flow_state)
        found.append(at_team("flow_load_items", now.owner, item_type=now.item_type, flow_state=flow_state))
        if now.blocked:
            found.append(at_team("flow_blocked_items", now.owner, item_type=now.item_type))
    for life in everyone:
        if life.in_load and life.starts_in_the_middle:
            found.append(at_team("flow_item_age_lower_bound_items", life.now.owner))
    for now in [life.now for life in everyone if life.now.flow_state == "unmapped" and not life.now.deleted]:
        found.append(at_team("flow_unmapped_items", now.owner, source=now.source, state=str(now.state)))
    return found


def counted_in(window: str, begin: datetime, everyone: list[Life]) -> list[Series]:
    """Name, once for each item that counts in it, the series of starts and finishes in the window."""
    found = []
    for start in [life.start for life in everyone]:
        if start is not None and start.time > begin:
            found.append(at_team("flow_arrivals_items", start.owner, item_type=start.item_type, window=window))
    for life in everyone:
        if life.finish is None or life.finish.time <= begin:
            continue
        owner = life.finish.owner
        found.append(at_team("flow_velocity_items", owner, item_type=life.finish.item_type, window=window))
        if life.flow_time is None:
            found.append(at_team("flow_without_start_items", owner, window=window))
            continue
        found.append(at_team("flow_time_seconds_gcount", owner, window=window))
        for bound in [bound for bound in BOUNDS if life.flow_time <= timedelta(seconds=bound)]:
            found.append(at_team("flow_time_seconds_bucket", owner, window=window, le=str(bound)))
        found.append(at_team("flow_time_seconds_bucket", owner, window=window, le="+Inf"))
    return found


def summed_in(window: str, begin: datetime, everyone: list[Life]) -> list[tuple[Series, timedelta]]:
    """Give the durations that each item finished in the window adds to each sum."""
    found = []
    for life in everyone:
        if life.finish is None or life.finish.time <= begin or life.flow_time is None:
            continue
        owner = life.finish.owner
        found.append((at_team("flow_time_seconds_gsum", owner, window=window), life.flow_time))
        found.append((at_team("flow_elapsed_seconds", owner, window=window), life.flow_time))
        for state, lasted in life.time_in_state.items():
            found.append((at_team("flow_state_seconds", owner, window=window, state=state), lasted))
        for moment, lasted in life.stays:
            if moment.flow_state == "active" and not moment.blocked:
                found.append((at_team("flow_active_seconds", owner, window=window), lasted))
    return found


def statistics(node: Json) -> dict[Series, float]:
    """Give the series that follow from a node's numbers, leaving out the statistics of nothing."""
    labels = {label: node[label] for label in ("level", "value_stream", "art", "team")}
    found: dict[Series, float | None] = {}
    limit, items = node["load"]["limit"], node["load"]["items"]
    found[series("flow_load_limit_items", **labels)] = limit
    found[series("flow_load_ratio", **labels)] = items / limit if limit else None
    found[series("flow_item_age_max_seconds", **labels)] = node["age"]["max"]
    for quantile, key in QUANTILES.items():
        found[series("flow_item_age_quantile_seconds", quantile=quantile, **labels)] = node["age"][key]
    found[series("flow_blocked_age_max_seconds", **labels)] = node["blocked_age_max"]
    for window, values in node["windows"].items():
        found |= window_statistics(values, window=window, **labels)
    found |= goals(node, **labels)
    if node["level"] == "team":
        found |= of_team_only(node)
    return {name: float(value) for name, value in found.items() if value is not None}


def window_statistics(values: dict[str, Any], **labels: str) -> dict[Series, float | None]:
    """Give a node's series of one window that cannot be summed."""
    found: dict[Series, float | None] = {}
    found[series("flow_time_mean_seconds", **labels)] = values["flow_time"]["mean"]
    found[series("flow_efficiency_ratio", **labels)] = values["efficiency"]
    for quantile, key in QUANTILES.items():
        found[series("flow_time_quantile_seconds", quantile=quantile, **labels)] = values["flow_time"][key]
    for item_type, share in values["distribution"].items():
        found[series("flow_distribution_ratio", item_type=item_type, **labels)] = share
    return found


def goals(node: Json, **labels: str) -> dict[Series, float | None]:
    """Give a node's series of targets and predictability."""
    found: dict[Series, float | None] = {}
    for pi, values in node["predictability"].items():
        found[series("flow_predictability_ratio", pi=pi, **labels)] = values["ratio"]
    for target in node["targets"]:
        named = labels | {"target": target["name"], "metric": target["metric"]}
        for bound in ("at_least", "at_most"):
            found[series("flow_target_value", bound=bound, **named)] = target[bound]
        found[series("flow_target_actual_value", **named)] = target["actual"]
        found[series("flow_target_met", **named)] = target["met"]
    return found


def of_team_only(node: Json) -> dict[Series, float | None]:
    """Give the series that only teams have, though every node has the number."""
    owner = (node["value_stream"], node["art"], node["team"])
    found: dict[Series, float | None] = {at_team("flow_ageing_items", owner): node["ageing"]}
    for source, increments in node["unmapped_objectives"].items():
        for pi, count in increments.items():
            found[at_team("flow_unmapped_objectives", owner, source=source, pi=pi)] = count
    for pi, values in node["predictability"].items():
        for kind in ("planned", "actual", "projected"):
            found[at_team(f"flow_objective_{kind}_value", owner, pi=pi)] = values[kind]
    return found


def parse_metrics(text: str) -> dict[Series, float]:
    """Read a scrape, in the Prometheus or the OpenMetrics text format; a doubled series is an error."""
    parse = parse_openmetrics if text.rstrip().endswith("# EOF") else parse_prometheus
    found: dict[Series, float] = {}
    for family in parse(text):
        for sample in family.samples:
            name = series(sample.name, **sample.labels)
            if name in found:
                message = f"series {sample.name} {sample.labels} is there twice"
                raise ValueError(message)
            found[name] = sample.value
    return found
