"""A node's samples -> lines of the exposition: the same in both of its formats.

Samples come by the hundred thousand, so that each costs one format and one join. Tests hold every byte against the
Prometheus client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from prometheus_client.utils import floatToGoString

from stream.flow.nodes import Node
from stream.gauges.catalogue import LEVEL, OF_NODES, Gauge, Metric
from stream.gauges.samples import BOUNDS, Histogram

# From here on Go writes an exponent where Python does not.
_LONG = 1_000_000
_COUNTS = tuple(f"{count}.0" for count in range(1_000))
# A slot that is still one after the node's labels were filled in.
_SLOT = "%%s"


class _Form(NamedTuple):
    """A line with slots for the labels that do not tell the node, as `ready` gives them, and for the number."""

    text: str
    ready: Callable[[tuple[str, ...]], tuple[str, ...]]


class _Forms(dict[str, _Form]):
    """The forms of a node's metrics by name, with the node's labels filled in when they are first needed."""

    def __init__(self, place: Mapping[str, str]) -> None:
        super().__init__()
        # What is put into a form goes through a second formatting.
        self._place = {label: value.replace("%", "%%") for label, value in place.items()}

    def __missing__(self, name: str) -> _Form:
        text, ready = _FORMS[name]
        form = self[name] = _Form(text % self._place, ready)
        return form


class Pen:
    """Writes a node's samples, as text by name of the sample."""

    def __init__(self, node: Node) -> None:
        self._place = dict(zip(LEVEL, map(_escaped, (*node[1:], node.level)), strict=True))
        self._forms = _Forms(self._place)

    def gauges(self, gauges: Iterable[Gauge]) -> Iterator[tuple[str, str]]:
        """Write the lines of each metric."""
        forms = self._forms
        for name, rows in gauges:
            text, ready = forms[name]
            yield name, "".join([text % (*ready(labels), _number(value)) for labels, value in rows])

    def histogram(self, histogram: Histogram) -> Iterator[tuple[str, str]]:
        """Write the buckets of a distribution, how many items it is of, and their sum."""
        name, labels, counts, total = histogram
        window = _escaped(*labels)
        head, middle, tail = (piece % self._place for piece in _BUCKETS[name])
        parts = [f"\n{head}", "", f"{middle}{window}{tail}", ""] * len(BOUNDS)
        parts[0] = head
        parts[1::4] = BOUNDS
        parts[3::4] = map(_number, counts)
        yield f"{name}_bucket", "".join([*parts, "\n"])
        yield f"{name}_gcount", self._forms[f"{name}_gcount"].text % (window, _number(counts[-1]))
        yield f"{name}_gsum", self._forms[f"{name}_gsum"].text % (window, _number(total))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: Any) -> str:
    if type(value) is int and 0 <= value < len(_COUNTS):
        return _COUNTS[value]
    if -_LONG < value < _LONG:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _text(name: str, labels: Iterable[str]) -> str:
    slots = (f'{label}="%({label})s"' if label in LEVEL else f'{label}="{_SLOT}"' for label in sorted(labels))
    return f"{name}{{{','.join(slots)}}} {_SLOT}\n"


def _form(name: str, metric: Metric) -> _Form:
    own = metric.labels[len(metric.place) :]
    order = [own.index(label) for label in sorted(own)]

    @lru_cache(maxsize=1_000)
    def ready(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple([_escaped(labels[place]) for place in order])

    return _Form(_text(name, metric.labels), ready)


def _buckets(metric: Metric) -> tuple[str, str, str]:
    head, middle, tail, _ = _text(f"{metric.name}_bucket", (*metric.labels, "le")).split(_SLOT)
    return head, middle, tail


_FORMS = {name: _form(name, metric) for metric in OF_NODES for name in metric.samples}
_BUCKETS = {metric.name: _buckets(metric) for metric in OF_NODES if metric.type == "gaugehistogram"}
