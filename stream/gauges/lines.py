"""A node's samples -> lines of text, which are the same in both exposition formats.

Fast twin of the Prometheus client's exposition; tests/gauges/test_metrics.py holds every byte equal. A page has
hundreds of thousands of samples, so each costs only one format and one join.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from prometheus_client.utils import floatToGoString

from stream.flow.nodes import Node
from stream.gauges.catalogue import LEVEL, OF_NODES, Gauge, Metric
from stream.gauges.samples import BOUNDS, Histogram

# From here on, Go writes an exponent and Python does not.
_LONG = 1_000_000
_COUNTS = tuple(f"{count}.0" for count in range(1_000))
# After the node's labels are filled in with %, this becomes %s.
_SLOT = "%%s"


class _Template(NamedTuple):
    """A line with slots for the number and for the labels besides the node's, which `slot_values` escapes and sorts."""

    text: str
    slot_values: Callable[[tuple[str, ...]], tuple[str, ...]]


class _Templates(dict[str, _Template]):
    """The templates of a node's metrics by name. The node's labels are filled in when a template is first needed."""

    def __init__(self, node: Mapping[str, str]) -> None:
        super().__init__()
        # The template is formatted again for each sample.
        self._node = {label: value.replace("%", "%%") for label, value in node.items()}

    def __missing__(self, name: str) -> _Template:
        text, slot_values = _TEMPLATES[name]
        template = self[name] = _Template(text % self._node, slot_values)
        return template


class LineWriter:
    """Writes a node's samples as text, with the name of each sample."""

    def __init__(self, node: Node) -> None:
        self._node = dict(zip(LEVEL, map(_escaped, (*node[1:5], node.level)), strict=True))
        self._templates = _Templates(self._node)

    def gauges(self, gauges: Iterable[Gauge]) -> Iterator[tuple[str, str]]:
        """Write the lines of each metric."""
        templates = self._templates
        for name, rows in gauges:
            text, slot_values = templates[name]
            yield name, "".join([text % (*slot_values(labels), _number(value)) for labels, value in rows])

    def histogram(self, histogram: Histogram) -> Iterator[tuple[str, str]]:
        """Write the buckets of a distribution, its number of items and their sum."""
        name, labels, counts, total = histogram
        window = _escaped(*labels)
        head, middle, tail = (piece % self._node for piece in _BUCKETS[name])
        parts = [f"\n{head}", "", f"{middle}{window}{tail}", ""] * len(BOUNDS)
        parts[0] = head
        parts[1::4] = BOUNDS
        parts[3::4] = map(_number, counts)
        yield f"{name}_bucket", "".join([*parts, "\n"])
        yield f"{name}_gcount", self._templates[f"{name}_gcount"].text % (window, _number(counts[-1]))
        yield f"{name}_gsum", self._templates[f"{name}_gsum"].text % (window, _number(total))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: Any) -> str:
    if type(value) is int and 0 <= value < len(_COUNTS):
        return _COUNTS[value]
    if -_LONG < value < _LONG:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _text(name: str, of_node: Collection[str], labels: Iterable[str]) -> str:
    slots = (f'{label}="%({label})s"' if label in of_node else f'{label}="{_SLOT}"' for label in sorted(labels))
    return f"{name}{{{','.join(slots)}}} {_SLOT}\n"


def _template(name: str, metric: Metric) -> _Template:
    own = metric.labels[len(metric.node_labels) :]
    order = [own.index(label) for label in sorted(own)]

    @lru_cache(maxsize=1_000)
    def slot_values(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple([_escaped(labels[place]) for place in order])

    return _Template(_text(name, metric.node_labels, metric.labels), slot_values)


def _buckets(metric: Metric) -> tuple[str, str, str]:
    head, middle, tail, _ = _text(f"{metric.name}_bucket", metric.node_labels, (*metric.labels, "le")).split(_SLOT)
    return head, middle, tail


_TEMPLATES = {name: _template(name, metric) for metric in OF_NODES for name in metric.samples}
_BUCKETS = {metric.name: _buckets(metric) for metric in OF_NODES if metric.type == "gaugehistogram"}
