"""Snapshot -> metric families, made afresh at each scrape.

So a team that is gone, or a partition that moved away, leaves no series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from stream import __version__
from stream.flow.finished import BUCKETS
from stream.flow.report import NodeNumbers, bounded, bounded_places
from stream.flow.statistics import QUANTILES, SECOND
from stream.gauges.catalogue import CATALOGUE
from stream.gauges.engine_numbers import FRESHNESS_BUCKETS, EngineNumbers
from stream.gauges.goals import add_goals
from stream.gauges.snapshot import Snapshot, Wall
from stream.items.rules import OTHER
from stream.items.summary import LOAD_STATES

_FAMILIES: Mapping[str, type[Any]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "gaugehistogram": GaugeHistogramMetricFamily,
    "histogram": HistogramMetricFamily,
}
_BOUNDS = [*(str(bound / SECOND) for bound in BUCKETS), "+Inf"]
_FRESHNESS_BOUNDS = [*map(str, FRESHNESS_BUCKETS), "+Inf"]


class FlowCollector(Collector):
    """Collects the newest snapshot and the engine's own counts. `item_types` are the configured flow item types."""

    def __init__(self, wall: Wall, engine: EngineNumbers, item_types: Iterable[str]) -> None:
        self._wall = wall
        self._engine = engine
        self._item_types = (*item_types, OTHER)

    def describe(self) -> Iterable[Family]:
        """Describe the catalogue, so that a scrape may ask for some names (`/metrics?name[]=`)."""
        return _families().values()

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the catalogue; those of the organisation have samples for the nodes that are true."""
        families = _families()
        snapshot = self._wall.snapshot
        for node in snapshot.nodes:
            if node.node.level == "team":
                self._team(families, node)
            _node(families, node, snapshot.at)
            add_goals(families, node, self._wall.met_since)
        _engine(families, self._engine, snapshot)
        yield from families.values()

    def _team(self, families: Mapping[str, Any], numbers: NodeNumbers) -> None:
        owner = list(numbers.node[1:])
        types = _union(self._item_types, (item_type for item_type, _ in numbers.by_type))
        for item_type in types:
            families["flow_blocked_items"].add_metric([*owner, item_type], numbers.blocked.get(item_type, 0))
            for state in sorted(LOAD_STATES):
                count = numbers.by_type.get((item_type, state), 0)
                families["flow_load_items"].add_metric([*owner, item_type, state.value], count)
        for name, count in bounded(numbers.states).items():
            families["flow_state_items"].add_metric([*owner, name], count)
        for (source, name), count in bounded_places(numbers.unmapped).items():
            families["flow_unmapped_items"].add_metric([*owner, source, name], count)
        if numbers.ageing is not None:
            families["flow_ageing_items"].add_metric(owner, numbers.ageing)
        families["flow_item_age_lower_bound_items"].add_metric(owner, numbers.lower_bounds)
        for label in numbers.windows:
            self._team_window(families, numbers, [*owner, label])

    def _team_window(self, families: Mapping[str, Any], numbers: NodeNumbers, labels: list[str]) -> None:
        window = numbers.windows[labels[-1]]
        done = window.finished
        for name, counts in (("velocity", done.velocity), ("arrivals", window.arrivals)):
            for item_type in _union(self._item_types, counts):
                families[f"flow_{name}_items"].add_metric([*labels, item_type], counts.get(item_type, 0))
        for state, seconds in bounded(done.stays).items():
            families["flow_state_seconds"].add_metric([*labels, state], seconds)
        families["flow_without_start_items"].add_metric(labels, done.without_start)
        families["flow_active_seconds"].add_metric(labels, done.active)
        families["flow_elapsed_seconds"].add_metric(labels, done.elapsed)
        buckets = list(zip(_BOUNDS, [*done.buckets, done.flow_time.count], strict=True))
        families["flow_time_seconds"].add_metric(labels, buckets, done.elapsed)


def _families() -> dict[str, Any]:
    return {metric.name: _FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels) for metric in CATALOGUE}


def _node(families: Mapping[str, Any], numbers: NodeNumbers, at: int) -> None:
    node, age, blocked = numbers.node, numbers.ages.at(at), numbers.blocked_age_max(at)
    labels = [*node[1:], node.level]
    if numbers.limit is not None:
        families["flow_load_limit_items"].add_metric(labels, numbers.limit)
        families["flow_load_ratio"].add_metric(labels, numbers.load / numbers.limit)
    if blocked is not None:
        families["flow_blocked_age_max_seconds"].add_metric(labels, blocked)
    if age.max is not None:
        families["flow_item_age_max_seconds"].add_metric(labels, age.max)
        for q in QUANTILES:
            families["flow_item_age_quantile_seconds"].add_metric([*labels, str(q)], age.quantile(q))
    for label, window in numbers.windows.items():
        done = window.finished
        if done.flow_time.mean is not None:
            families["flow_time_mean_seconds"].add_metric([*labels, label], done.flow_time.mean)
            for q in QUANTILES:
                value = done.flow_time.quantile(q)
                families["flow_time_quantile_seconds"].add_metric([*labels, label, str(q)], value)
        if done.efficiency is not None:
            families["flow_efficiency_ratio"].add_metric([*labels, label], done.efficiency)
        for item_type, share in done.distribution.items():
            families["flow_distribution_ratio"].add_metric([*labels, label, item_type], share)


def _engine(families: Mapping[str, Any], engine: EngineNumbers, snapshot: Snapshot) -> None:
    for labels, count in dict(engine.events).items():
        families["flow_events_total"].add_metric(labels, count)
    for reason, count in dict(engine.dead_letters).items():
        families["flow_dead_letters_total"].add_metric([reason], count)
    for source, count in dict(engine.anomalies).items():
        families["flow_clock_anomalies_total"].add_metric([source], count)
    for source, count in dict(engine.backdated).items():
        families["flow_backdated_events_total"].add_metric([source], count)
    families["flow_lag_events"].add_metric([], engine.lag)
    families["flow_late_events_total"].add_metric([], engine.late)
    for source, time in dict(engine.newest).items():
        families["flow_newest_event_timestamp_seconds"].add_metric([source], time / SECOND)
    families["flow_freshness_seconds"].add_metric([], _cumulative(engine.freshness), engine.freshness_sum)
    families["flow_ready"].add_metric([], float(snapshot.ready))
    families["flow_tracked_items"].add_metric([], snapshot.items)
    if snapshot.at:
        families["flow_snapshot_timestamp_seconds"].add_metric([], snapshot.at / SECOND)
    families["flow_snapshot_duration_seconds"].add_metric([], snapshot.seconds)
    families["flow_build_info"].add_metric([__version__], 1)


def _union(configured: tuple[str, ...], present: Iterable[str]) -> list[str]:
    return [*configured, *sorted(set(present) - set(configured))]


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    cumulative = []
    for bound, count in zip(_FRESHNESS_BOUNDS, list(counts), strict=True):
        total += count
        cumulative.append((bound, float(total)))
    return cumulative
