"""Snapshot -> metric families of the Prometheus client.

At each scrape the client writes the engine's own counts (`EngineCollector`). It is too slow for the nodes' samples, so
`rendering.py` and `lines.py` write those. `FlowCollector` is their plain twin; tests/gauges/test_metrics.py holds them
equal. It serves only requests for an escaping scheme that `lines.py` does not know (`metrics.py`).
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
from stream.events.event import SECOND
from stream.flow.report import NodeNumbers
from stream.gauges.catalogue import CATALOGUE, LEVEL, OF_ENGINE, OF_NODES, Metric
from stream.gauges.engine_numbers import FRESHNESS_BUCKETS, EngineNumbers
from stream.gauges.samples import BOUNDS, Exported, histograms, moving, own, windowed
from stream.gauges.snapshot import Published, Snapshot

_FAMILIES: Mapping[str, type[Any]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "gaugehistogram": GaugeHistogramMetricFamily,
    "histogram": HistogramMetricFamily,
}
_NODE_LABELS = {metric.name: metric.node_labels for metric in OF_NODES}
INCREMENTS = ("pi", "previous_pi")
_FRESHNESS_BOUNDS = [*map(str, FRESHNESS_BUCKETS), "+Inf"]


class FlowCollector(Collector):
    """Collects the newest snapshot and the engine's own counts."""

    def __init__(self, published: Published, engine: EngineNumbers, exported: Exported) -> None:
        self._published = published
        self._engine = engine
        self._exported = exported

    def describe(self) -> Iterable[Family]:
        """Describe the catalogue, so that a scrape may ask for single metrics (`/metrics?name[]=`)."""
        return families(CATALOGUE).values()

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the catalogue. Those of the organisation have samples for the nodes in the snapshot."""
        of_nodes = families(OF_NODES)
        snapshot = self._published.snapshot
        for numbers in snapshot.nodes:
            self._node(of_nodes, numbers, snapshot.at)
        yield from of_nodes.values()
        series = sum(len(family.samples) for family in of_nodes.values())
        yield from EngineCollector(self._engine, snapshot, series).collect()

    def _node(self, of_nodes: Mapping[str, Any], numbers: NodeNumbers, at: int) -> None:
        exported, node = self._exported, numbers.node
        values = dict(zip(LEVEL, (*node[1:5], node.level), strict=True))
        gauges = [*own(numbers, exported), *moving(numbers, at, self._published.met_since, exported)]
        for label, window in exported.windows_of(numbers):
            gauges += windowed(node, label, window, exported)
            for name, labels, counts, total in histograms(node, label, window, exported):
                buckets = list(zip(BOUNDS, counts, strict=True))
                of_nodes[name].add_metric([*(values[each] for each in _NODE_LABELS[name]), *labels], buckets, total)
        for name, rows in gauges:
            for labels, value in rows:
                of_nodes[name].add_metric([*(values[each] for each in _NODE_LABELS[name]), *labels], value)


class EngineCollector(Collector):
    """Collects the engine's counts and the state of a snapshot. `series` are those of nodes on the page."""

    def __init__(self, engine: EngineNumbers, snapshot: Snapshot, series: int) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self._series = series

    def describe(self) -> Iterable[Family]:
        """Describe the engine's part of the catalogue."""
        return families(OF_ENGINE).values()

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the engine."""
        of_engine = families(OF_ENGINE)
        _counts(of_engine, self._engine)
        _state(of_engine, self._snapshot)
        of_engine["flow_exported_series"].add_metric([], self._series)
        yield from of_engine.values()


def families(metrics: Iterable[Metric]) -> dict[str, Any]:
    """Return the client's family of each metric, without samples."""
    return {metric.name: _FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels) for metric in metrics}


def _counts(of_engine: Mapping[str, Any], engine: EngineNumbers) -> None:
    for labels, count in dict(engine.events).items():
        of_engine["flow_events_total"].add_metric(labels, count)
    for reason, count in dict(engine.dead_letters).items():
        of_engine["flow_dead_letters_total"].add_metric([reason], count)
    for source, count in dict(engine.anomalies).items():
        of_engine["flow_clock_anomalies_total"].add_metric([source], count)
    for source, count in dict(engine.backdated).items():
        of_engine["flow_backdated_events_total"].add_metric([source], count)
    for topic, count in dict(engine.unreadable).items():
        of_engine["flow_unreadable_records_total"].add_metric([topic], count)
    of_engine["flow_lag_events"].add_metric([], engine.lag)
    of_engine["flow_late_events_total"].add_metric([], engine.late)
    of_engine["flow_summaries_merged_total"].add_metric([], engine.merged)
    for source, time in dict(engine.newest).items():
        of_engine["flow_newest_event_timestamp_seconds"].add_metric([source], time / SECOND)
    of_engine["flow_freshness_seconds"].add_metric([], _cumulative(engine.freshness), engine.freshness_sum)


def _state(of_engine: Mapping[str, Any], snapshot: Snapshot) -> None:
    of_engine["flow_ready"].add_metric([], float(snapshot.ready))
    for window, name in snapshot.periods.items():
        if window in INCREMENTS:
            of_engine["flow_program_increment_info"].add_metric([window, name], 1)
    for labels, count in snapshot.unplaced.items():
        of_engine["flow_unplaced_items"].add_metric(labels, count)
    of_engine["flow_tracked_items"].add_metric([], snapshot.items)
    if snapshot.at:
        of_engine["flow_snapshot_timestamp_seconds"].add_metric([], snapshot.at / SECOND)
    of_engine["flow_snapshot_duration_seconds"].add_metric([], snapshot.seconds)
    of_engine["flow_build_info"].add_metric([__version__], 1)


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    cumulative = []
    for bound, count in zip(_FRESHNESS_BOUNDS, list(counts), strict=True):
        total += count
        cumulative.append((bound, float(total)))
    return cumulative
