"""Every gauge of the contract that depends on items, and the reading of a scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from tests.oracle.lives import Life, Moment, lives
from tests.oracle.nodes import ageing, numbers, places
from tests.oracle.periods import INCREMENTS, Window, windows_at
from tests.oracle.rules import Json, Node
from tests.oracle.statistics import exact

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
    sums: dict[Series, Fraction] = {}
    added = points_now(everyone)
    for label, window in windows_at(config, at).items():
        counts.update(counted_in(label, window, everyone))
        added += [*summed_in(label, window, everyone), *points_in(label, window, everyone)]
    for name, amount in added:
        sums[name] = sums.get(name, Fraction(0)) + amount
    found = {name: float(count) for name, count in counts.items()}
    found |= {name: float(amount) for name, amount in sums.items() if amount}
    found |= increments(config, at) | own_ageing(everyone, config, at)
    shown = numbers(known, config, at)
    found |= unplaced(shown)
    for node in shown["nodes"]:
        found |= statistics(node)
    return {name: value for name, value in found.items() if is_exported(name, config)}


def is_exported(one: Series, config: Json) -> bool:
    """Tell whether /metrics has the series; what belongs to no node is always there."""
    name, labels = one
    export = config.get("export") or {}
    metric = name.removesuffix("_bucket").removesuffix("_gcount").removesuffix("_gsum")
    of_nodes = {label for label, _ in labels} & {"level", "backlog", "value_stream"}
    windows = export.get("windows") or [value for label, value in labels if label == "window"]
    in_window = all(value in windows for label, value in labels if label == "window")
    return not of_nodes or (in_window and metric not in (export.get("leave_out") or []))


def series(name: str, **labels: str) -> Series:
    """Name a series; labels without a value are no labels."""
    return name, frozenset((label, value) for label, value in labels.items() if value)


def at_owner(name: str, moment: Moment, **labels: str) -> Series:
    """Name the series of an owner's backlog at a moment of an item."""
    stream, art, team = moment.owner
    return series(name, value_stream=stream, art=art, team=team, backlog=str(moment.backlog), **labels)


def counted_now(everyone: list[Life]) -> list[Series]:
    """Name, once for each item that counts in it, the series of the items as they are now."""
    found = []
    placed = [life for life in everyone if life.now.backlog is not None and not life.now.deleted]
    for now in [life.now for life in placed if life.now.state is not None]:
        found.append(at_owner("flow_state_items", now, state=str(now.state)))
    for life in [life for life in placed if life.in_load]:
        now, item_type = life.now, life.now.item_type
        found.append(at_owner("flow_load_items", now, item_type=item_type, flow_state=str(now.flow_state)))
        if now.points is None:
            found.append(at_owner("flow_load_unestimated_items", now, item_type=item_type))
        if now.blocked:
            found.append(at_owner("flow_blocked_items", now, item_type=item_type))
        if life.starts_in_the_middle:
            found.append(at_owner("flow_item_age_lower_bound_items", now))
    for now in [life.now for life in placed if life.now.flow_state == "unmapped"]:
        found.append(at_owner("flow_unmapped_items", now, source=now.source, state=str(now.state)))
    return found


def points_now(everyone: list[Life]) -> list[tuple[Series, Fraction]]:
    """Give the points that each item in progress adds."""
    return [
        (at_owner("flow_load_points", life.now, item_type=life.now.item_type), life.now.points)
        for life in everyone
        if life.in_load and life.now.backlog is not None and life.now.points is not None
    ]


def starts_in(window: Window, everyone: list[Life]) -> list[Moment]:
    """List the starts that lie in the window."""
    starts = [life.start for life in everyone if life.start is not None]
    return [start for start in starts if start.backlog is not None and window.holds(start.time)]


def finishes_in(window: Window, everyone: list[Life]) -> list[tuple[Life, Moment]]:
    """List the finishes that lie in the window, each with its item's life."""
    finishes = [(life, life.finish) for life in everyone if life.finish is not None]
    return [(life, end) for life, end in finishes if end.backlog is not None and window.holds(end.time)]


def counted_in(label: str, window: Window, everyone: list[Life]) -> list[Series]:
    """Name, once for each item that counts in it, the series of starts and finishes in the window."""
    found = [
        at_owner("flow_arrivals_items", start, item_type=start.item_type, window=label)
        for start in starts_in(window, everyone)
    ]
    for life, end in finishes_in(window, everyone):
        found.append(at_owner("flow_velocity_items", end, item_type=end.item_type, window=label))
        if end.points is None:
            found.append(at_owner("flow_velocity_unestimated_items", end, item_type=end.item_type, window=label))
        if life.flow_time is None:
            found.append(at_owner("flow_without_start_items", end, window=label))
            continue
        found.append(at_owner("flow_time_seconds_gcount", end, window=label))
        for bound in [bound for bound in BOUNDS if life.flow_time <= timedelta(seconds=bound)]:
            found.append(at_owner("flow_time_seconds_bucket", end, window=label, le=str(bound)))
        found.append(at_owner("flow_time_seconds_bucket", end, window=label, le="+Inf"))
    return found


def points_in(label: str, window: Window, everyone: list[Life]) -> list[tuple[Series, Fraction]]:
    """Give the points that each item finished in the window adds: those that it had at its finish."""
    return [
        (at_owner("flow_velocity_points", end, item_type=end.item_type, window=label), end.points)
        for _, end in finishes_in(window, everyone)
        if end.points is not None
    ]


def summed_in(label: str, window: Window, everyone: list[Life]) -> list[tuple[Series, Fraction]]:
    """Give the seconds that each item finished in the window adds to each sum."""
    found = []
    for life, end in finishes_in(window, everyone):
        if life.flow_time is None:
            continue
        found.append((at_owner("flow_time_seconds_gsum", end, window=label), life.flow_time))
        found.append((at_owner("flow_elapsed_seconds", end, window=label), life.flow_time))
        for state, lasted in life.time_in_state.items():
            found.append((at_owner("flow_state_seconds", end, window=label, state=state), lasted))
        for moment, lasted in life.stays:
            if moment.flow_state == "active" and not moment.blocked:
                found.append((at_owner("flow_active_seconds", end, window=label), lasted))
    return [(name, exact(lasted)) for name, lasted in found]


def increments(config: Json, at: datetime) -> dict[Series, float]:
    """Say which increments the windows of increments are."""
    return {
        series("flow_program_increment_info", window=label, pi=window.named["pi"]): 1.0
        for label, window in windows_at(config, at).items()
        if label in INCREMENTS
    }


def unplaced(shown: Json) -> dict[Series, float]:
    """Give the series of the items that no backlog holds."""
    return {
        series("flow_unplaced_items", source=source, item_type=item_type): float(count)
        for source, types in shown["unplaced"].items()
        for item_type, count in types.items()
    }


def own_ageing(everyone: list[Life], config: Json, at: datetime) -> dict[Series, float]:
    """Count what each owner has in progress for too long, by what it finished itself, without the nodes below it."""
    found = {}
    for owner, backlog in {place for life in everyone for place in places(life)}:
        own: Node = ("own", *owner)
        count = ageing((own, backlog), everyone, config, at)
        stream, art, team = owner
        if count is not None:
            name = series("flow_ageing_items", value_stream=stream, art=art, team=team, backlog=backlog)
            found[name] = float(count)
    return found


def statistics(node: Json) -> dict[Series, float]:
    """Give the series that follow from a node's numbers, leaving out the statistics of nothing."""
    labels = {label: node[label] for label in ("level", "value_stream", "art", "team", "backlog")}
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
        place = {label: name for label, name in labels.items() if label != "backlog"}
        found[series("flow_predictability_ratio", pi=pi, **place)] = values["ratio"]
    for target in node["targets"]:
        named = labels | {"target": target["name"], "metric": target["metric"]}
        if target["metric"] == "predictability":
            named["backlog"] = ""
        for bound in ("at_least", "at_most"):
            found[series("flow_target_value", bound=bound, **named)] = target[bound]
        found[series("flow_target_actual_value", **named)] = target["actual"]
        found[series("flow_target_met", **named)] = target["met"]
    return found


def of_team_only(node: Json) -> dict[Series, float | None]:
    """Give the series of objectives, which only teams have. They are shown with a backlog, but are not of it."""
    place = {label: node[label] for label in ("value_stream", "art", "team")}
    found: dict[Series, float | None] = {}
    for source, names in node["unmapped_objectives"].items():
        for pi, count in names.items():
            found[series("flow_unmapped_objectives", source=source, pi=pi, **place)] = count
    for pi, values in node["predictability"].items():
        for kind in ("planned", "actual", "projected"):
            found[series(f"flow_objective_{kind}_value", pi=pi, **place)] = values[kind]
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
