"""A node's samples -> lines of the exposition: the same in both of its formats.

Samples come by the hundred thousand, so that each costs one format and one join. Tests hold every byte against the
Prometheus client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from prometheus_client.utils import floatToGoString

from stream.flow.boards import Node
from stream.gauges.catalogue import LEVEL, OF_NODES, Gauge, Metric
from stream.gauges.samples import BOUNDS, Histogram

# From here on Go writes an exponent where Python does not.
_LONG = 1_000_000
_COUNTS = tuple(f"{count}.0" for count in range(1_000))
_SLOT = "%s"


class _Form(NamedTuple):
    """A line with the node's labels by name, slots for the others and the number, and the order of the latter."""

    text: str
    order: itemgetter[Any]


class Pen:
    """Writes a node's samples, as text by name of the sample."""

    def __init__(self, node: Node) -> None:
        self._place = dict(zip(LEVEL, map(_escaped, (*node[1:], node.level)), strict=True))
        # What is put into a form goes through a second formatting.
        self._twice = {label: value.replace("%", "%%") for label, value in self._place.items()}
        self._forms: dict[str, str] = {}

    def gauges(self, gauges: Iterable[Gauge]) -> Iterable[tuple[str, str]]:
        """Write the lines of each metric."""
        for name, rows in gauges:
            if rows:
                form, order = self._form(name), _FORMS[name].order
                lines = [form % order((*map(_escaped, labels), _number(value))) for labels, value in rows]
                yield name, "".join(lines)

    def histogram(self, histogram: Histogram) -> Iterable[tuple[str, str]]:
        """Write the buckets of a distribution, how many items it is of, and their sum."""
        name, labels, counts, total = histogram
        (window,) = map(_escaped, labels)
        head, middle, tail = (piece % self._place for piece in _BUCKETS[name])
        rest = f"{middle}{window}{tail}"
        buckets = zip(BOUNDS, counts, strict=True)
        yield f"{name}_bucket", "".join([f"{head}{bound}{rest}{_number(count)}\n" for bound, count in buckets])
        yield f"{name}_gcount", self._form(f"{name}_gcount") % (window, _number(counts[-1]))
        yield f"{name}_gsum", self._form(f"{name}_gsum") % (window, _number(total))

    def _form(self, name: str) -> str:
        form = self._forms.get(name)
        if form is None:
            form = self._forms[name] = _FORMS[name].text % self._twice
        return form


@lru_cache(maxsize=10_000)
def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if type(value) is int and 0 <= value < len(_COUNTS):
        return _COUNTS[value]
    if -_LONG < value < _LONG:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _text(name: str, labels: Iterable[str]) -> str:
    slots = (f'{label}="%({label})s"' if label in LEVEL else f'{label}="%{_SLOT}"' for label in sorted(labels))
    return f"{name}{{{','.join(slots)}}} %{_SLOT}\n"


def _forms(metric: Metric) -> Mapping[str, _Form]:
    own = metric.labels[len(metric.place) :]
    order = itemgetter(*(own.index(label) for label in sorted(own)), len(own))
    return {name: _Form(_text(name, metric.labels), order) for name in metric.samples}


def _buckets(metric: Metric) -> tuple[str, str, str]:
    head, middle, tail, _ = _text(f"{metric.name}_bucket", (*metric.labels, "le")).split(f"%{_SLOT}")
    return head, middle, tail


_FORMS = {name: form for metric in OF_NODES for name, form in _forms(metric).items()}
_BUCKETS = {metric.name: _buckets(metric) for metric in OF_NODES if metric.type == "gaugehistogram"}
