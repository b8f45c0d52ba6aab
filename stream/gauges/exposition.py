"""The nodes' lines in the order of a page, in the text format and in OpenMetrics.

Fast twin of the Prometheus client's exposition; tests/gauges/test_metrics.py holds every byte equal. The client writes
the `# HELP` and `# TYPE` headers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from stream.gauges.catalogue import OF_NODES
from stream.gauges.collector import families
from stream.gauges.rendering import Lines

Named = Sequence[tuple[str, Sequence[bytes]]]


class _One(Collector):
    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Family]:
        return [self._family]


def _header(generate: Callable[[CollectorRegistry], bytes], family: Family) -> bytes:
    registry = CollectorRegistry()
    registry.register(_One(family))
    return generate(registry).removesuffix(b"# EOF\n")


_EMPTY = families(OF_NODES)
_TEXT = {name: _header(generate_latest, family) for name, family in _EMPTY.items()}
_OPENMETRICS = {name: _header(generate_openmetrics, family) for name, family in _EMPTY.items()}
# In the text format the count and the sum of a gauge histogram are metrics of their own.
_FURTHER = {
    name: _header(generate_latest, GaugeMetricFamily(name, metric.help))
    for metric in OF_NODES
    for name in metric.samples[1:]
}


def text(lines: Lines, asked: Collection[str] | None) -> list[bytes]:
    """Return the text format: all samples, or only those in `asked`."""
    page: list[bytes] = []
    for name, ((_, first), *further) in _shown(lines, asked):
        page.append(_TEXT[name])
        page += first
        for suffixed, pieces in further:
            if any(pieces):
                page.append(_FURTHER[suffixed])
                page += pieces
    return page


def openmetrics(lines: Lines, asked: Collection[str] | None) -> list[bytes]:
    """Return the same in OpenMetrics, without its `# EOF`."""
    page: list[bytes] = []
    for name, samples in _shown(lines, asked):
        page.append(_OPENMETRICS[name])
        page += chain.from_iterable(zip(*(pieces for _, pieces in samples if pieces), strict=True))
    return page


def _shown(lines: Lines, asked: Collection[str] | None) -> Iterator[tuple[str, Named]]:
    for metric in OF_NODES:
        pieces = [(name, lines.get(name, ()) if asked is None or name in asked else ()) for name in metric.samples]
        if asked is None or any(any(each) for _, each in pieces):
            yield metric.name, pieces
