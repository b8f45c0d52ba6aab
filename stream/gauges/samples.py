"""A node's numbers -> its samples. Only this module and `goals.py` say which sample has which labels and value.

There are three parts, so that each is written again only when it changes:
- `own`: changed by events of the node;
- `windowed` and `histograms`: one window each;
- `moving`: changed by the clock, or by targets seen met, without any event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stream.config.model import LEVELS, OTHER, FlowConfig
from stream.events.event import SECOND
from stream.flow.board import WindowNumbers
from stream.flow.finished import BUCKETS
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers, bounded, bounded_places
from stream.flow.statistics import QUANTILES, Statistics
from stream.gauges import goals
from stream.gauges.catalogue import OF_NODES, Gauge, Row
from stream.items.points import MILLION
from stream.items.summary import LOAD_STATES

BOUNDS = (*(str(bound / SECOND) for bound in BUCKETS), "+Inf")
MOVING = (
    "flow_blocked_age_max_seconds",
    "flow_item_age_quantile_seconds",
    "flow_item_age_max_seconds",
    "flow_target_met_since_timestamp_seconds",
)
WINDOWED = tuple(name for metric in OF_NODES if "window" in metric.labels for name in metric.samples)
OWN = tuple(name for metric in OF_NODES for name in metric.samples if name not in {*WINDOWED, *MOVING})

_STATES = sorted(LOAD_STATES)
_QUANTILES = tuple((q, str(q)) for q in QUANTILES)


class Exported(NamedTuple):
    """What the page shows of the nodes: the flow item types that it always shows, the windows, and what it leaves out.

    `windows` are their labels; None means all. `left_out` are names of metrics. `below` has each level and backlog for
    which the level is below the backlog's home: there the page shows no zeros.
    """

    item_types: tuple[str, ...]
    windows: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    below: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, config: FlowConfig) -> Exported:
        """Give what a configuration exports."""
        types = (*config.item_types, OTHER)
        below = {(level, each.backlog) for each in config.backlogs for level in LEVELS[: LEVELS.index(each.home)]}
        return cls(types, frozenset(config.exported_windows), frozenset(config.export.leave_out), frozenset(below))

    def only(self, gauges: Iterable[Gauge]) -> Iterable[Gauge]:
        """Leave out what is not exported."""
        return (gauge for gauge in gauges if gauge[0] not in self.left_out) if self.left_out else gauges

    def windows_of(self, numbers: NodeNumbers) -> Iterator[tuple[str, WindowNumbers]]:
        """Yield the windows of a node that are exported."""
        below = self._is_below(numbers.node)
        for label, window in numbers.windows.items():
            if (self.windows is None or label in self.windows) and not (below and window.is_empty):
                yield label, window

    def types_of(self, node: Node) -> tuple[str, ...]:
        """Give the flow item types that the page shows of a node, whether it has items of them or not."""
        return () if self._is_below(node) else self.item_types

    def _is_below(self, node: Node) -> bool:
        return (node.level, node.backlog) in self.below


class Histogram(NamedTuple):
    """The number of items at or below each of `BOUNDS`, and the sum over all items."""

    name: str
    labels: tuple[str, ...]
    counts: Sequence[int]
    total: float


def own(numbers: NodeNumbers, exported: Exported) -> Iterable[Gauge]:
    """Give the samples that only an event of the node changes."""
    return exported.only(_own(numbers, exported.types_of(numbers.node)))


def windowed(node: Node, label: str, window: WindowNumbers, exported: Exported) -> Iterable[Gauge]:
    """Give the samples of one window of a node."""
    return exported.only(_windowed(node, label, window, exported.types_of(node)))


def _own(numbers: NodeNumbers, item_types: tuple[str, ...]) -> Iterator[Gauge]:
    if numbers.node.is_owner:
        yield from _load(numbers, item_types)
        yield "flow_state_items", [((state,), count) for state, count in bounded(numbers.states).items()]
        if numbers.unmapped:
            yield "flow_unmapped_items", list(bounded_places(numbers.unmapped).items())
        if numbers.unmapped_objectives:
            yield "flow_unmapped_objectives", list(bounded_places(numbers.unmapped_objectives).items())
        if numbers.ageing is not None:
            yield "flow_ageing_items", [((), numbers.ageing)]
        yield "flow_item_age_lower_bound_items", [((), numbers.lower_bounds)]
    if numbers.limit is not None:
        yield "flow_load_limit_items", [((), numbers.limit)]
        yield "flow_load_ratio", [((), numbers.load / numbers.limit)]
    if numbers.predictability:
        yield from goals.objectives(numbers)
    if numbers.targets:
        yield from goals.targets(numbers)


def _windowed(node: Node, label: str, window: WindowNumbers, item_types: tuple[str, ...]) -> Iterator[Gauge]:
    done = window.finished
    if node.is_owner:
        yield from _counts(label, window, item_types)
    if node.own:
        return
    if done.flow_time.mean is not None:
        yield "flow_time_mean_seconds", [((label,), done.flow_time.mean)]
        yield "flow_time_quantile_seconds", _quantiles(done.flow_time, label)
    efficiency = done.efficiency
    if efficiency is not None:
        yield "flow_efficiency_ratio", [((label,), efficiency)]
    yield "flow_distribution_ratio", [((label, each), share) for each, share in done.distribution.items()]


def histograms(node: Node, label: str, window: WindowNumbers, exported: Exported) -> Iterator[Histogram]:
    """Yield the distributions of one window of a node."""
    if node.is_owner and "flow_time_seconds" not in exported.left_out:
        done = window.finished
        yield Histogram("flow_time_seconds", (label,), (*done.buckets, done.flow_time.count), done.elapsed)


def moving(numbers: NodeNumbers, at: int, met_since: Mapping[str, int], exported: Exported) -> Iterable[Gauge]:
    """Give the samples that change without an event: ages at `at`, and when targets were first seen met.

    Times are in microseconds.
    """
    return () if numbers.node.own else exported.only(_moving(numbers, at, met_since))


def _moving(numbers: NodeNumbers, at: int, met_since: Mapping[str, int]) -> Iterator[Gauge]:
    age, blocked = numbers.ages.at(at), numbers.blocked_age_max(at)
    if blocked is not None:
        yield "flow_blocked_age_max_seconds", [((), blocked)]
    if age.max is not None:
        yield "flow_item_age_max_seconds", [((), age.max)]
        yield "flow_item_age_quantile_seconds", _quantiles(age)
    if numbers.targets:
        yield from goals.met_since(numbers, met_since)


def _load(numbers: NodeNumbers, item_types: tuple[str, ...]) -> Iterator[Gauge]:
    types = _union(item_types, (item_type for item_type, _ in numbers.by_type))
    yield "flow_blocked_items", [((each,), numbers.blocked.get(each, 0)) for each in types]
    yield "flow_load_points", [((each,), numbers.points.get(each, 0) / MILLION) for each in types]
    yield "flow_load_unestimated_items", [((each,), numbers.unestimated.get(each, 0)) for each in types]
    count = numbers.by_type.get
    yield "flow_load_items", [((each, state.value), count((each, state), 0)) for each in types for state in _STATES]


def _counts(label: str, window: WindowNumbers, item_types: tuple[str, ...]) -> Iterator[Gauge]:
    done = window.finished
    yield "flow_arrivals_items", _by_type(label, window.arrivals, _union(item_types, window.arrivals))
    types = _union(item_types, done.velocity)
    yield "flow_velocity_items", _by_type(label, done.velocity, types)
    yield "flow_velocity_points", [((label, each), done.points.get(each, 0) / MILLION) for each in types]
    yield "flow_velocity_unestimated_items", _by_type(label, done.unestimated, types)
    yield "flow_state_seconds", [((label, state), seconds) for state, seconds in bounded(done.stays).items()]
    yield "flow_without_start_items", [((label,), done.without_start)]
    yield "flow_active_seconds", [((label,), done.active)]
    yield "flow_elapsed_seconds", [((label,), done.elapsed)]


def _by_type(label: str, counts: Mapping[str, int], types: Iterable[str]) -> list[Row]:
    return [((label, each), counts.get(each, 0)) for each in types]


def _quantiles(statistics: Statistics, *labels: str) -> list[Row]:
    values = ((name, statistics.quantile(q)) for q, name in _QUANTILES)
    return [((*labels, name), value) for name, value in values if value is not None]


def _union(configured: tuple[str, ...], present: Iterable[str]) -> Sequence[str]:
    others = set(present).difference(configured)
    return (*configured, *sorted(others)) if others else configured
