"""Snapshots with odd names and numbers that no events would produce."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import strategies as st

from stream.flow.board import WindowNumbers
from stream.flow.finished import BUCKETS, Finished
from stream.flow.goals import MeasuredTarget
from stream.flow.load import Ages
from stream.flow.nodes import Node
from stream.flow.predictability import Predictability
from stream.flow.report import NodeNumbers
from stream.flow.statistics import Statistics
from stream.gauges.catalogue import OF_NODES
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Snapshot
from stream.items.summary import FlowState

LEVELS = ("team", "art", "value_stream", "portfolio")
TYPES = ("feature", 'de"fect')
WINDOWS = ("7d", "pi", '%s"')
METRICS = tuple(metric.name for metric in OF_NODES)

names = st.text('aB9%s"\\\n{}(), =\x00é€😀', max_size=5) | st.text(max_size=3)
item_types = st.sampled_from(TYPES) | names
counts = st.integers(0, 3) | st.integers(0, 10**7)
floats = st.floats(allow_nan=False) | st.sampled_from(
    [0.0, -0.0, 0.1, 999_999.9, 1_000_000.0, 1_234_567.125, 1e16, 1e21]
)
maybe = st.none() | floats
millionths = st.integers(1, 10**13)

statistics = st.just(Statistics()) | st.builds(Statistics, st.integers(1, 9), floats, floats, floats, floats, floats)
finished = st.builds(
    Finished,
    velocity=st.dictionaries(item_types, st.integers(1, 10**7), max_size=3).map(Counter),
    points=st.dictionaries(item_types, millionths, max_size=2).map(Counter),
    unestimated=st.dictionaries(item_types, counts, max_size=2).map(Counter),
    without_start=counts,
    flow_time=statistics,
    buckets=st.lists(counts, min_size=len(BUCKETS), max_size=len(BUCKETS)).map(tuple),
    active=floats,
    elapsed=floats.filter(lambda seconds: seconds == 0 or abs(seconds) > 1e-9),
    stays=st.dictionaries(names, floats, max_size=3),
)
windows = st.builds(WindowNumbers, st.dictionaries(item_types, counts, max_size=3).map(Counter), finished)
targets = st.builds(
    MeasuredTarget,
    names,
    st.sampled_from(["flow_time", "load", "predictability"]),
    maybe,
    maybe,
    maybe,
    st.none() | st.booleans(),
)
starts = st.integers(0, 2**52)
ages = st.just(Ages()) | st.builds(
    Ages, st.integers(1, 9), starts, st.tuples(*[st.tuples(starts, starts, st.floats(0, 1))] * 3), starts
)
amounts = st.integers(0, 10**9).map(lambda millionths: millionths / 1e6)
numbers = st.builds(
    NodeNumbers,
    node=st.builds(Node, st.sampled_from(LEVELS), names, names, names, names, st.booleans()),
    limit=st.none() | st.integers(1, 10**7),
    load=counts,
    points=st.dictionaries(item_types, millionths, max_size=2),
    unestimated=st.dictionaries(item_types, counts, max_size=2),
    by_type=st.dictionaries(st.tuples(item_types, st.sampled_from(FlowState)), counts, max_size=3),
    by_state=st.just({}),
    blocked=st.dictionaries(item_types, counts, max_size=2),
    lower_bounds=counts,
    states=st.dictionaries(names, counts, max_size=3),
    unmapped=st.dictionaries(st.tuples(names, names), counts, max_size=2),
    unmapped_objectives=st.dictionaries(st.tuples(names, names), counts, max_size=2),
    ages=ages,
    ageing=st.none() | counts,
    blocked_since=st.none() | starts,
    windows=st.dictionaries(st.sampled_from(WINDOWS), windows, max_size=2),
    periods=st.just({}),
    predictability=st.dictionaries(names, st.builds(Predictability, amounts, amounts, amounts), max_size=2),
    targets=st.lists(targets, max_size=2, unique_by=lambda target: target.name).map(tuple),
)
nodes = st.lists(numbers, max_size=4, unique_by=lambda each: each.node).map(tuple)
snapshots = st.builds(
    Snapshot,
    st.integers(0, 2**52),
    nodes,
    st.just(()),
    counts,
    floats,
    periods=st.dictionaries(st.sampled_from(["pi", "previous_pi", "iteration"]), names),
    unplaced=st.dictionaries(st.tuples(names, item_types), counts, max_size=2),
)
exports = st.builds(
    Exported,
    st.just(TYPES),
    st.none() | st.frozensets(st.sampled_from(WINDOWS)),
    st.just(frozenset()) | st.frozensets(st.sampled_from(METRICS), max_size=9),
)


def seen_met(snapshot: Snapshot) -> Mapping[str, int]:
    """Return since when some of a snapshot's targets have been seen met."""
    found = {target.name for node in snapshot.nodes for target in node.targets}
    return {name: 1_234_567 * number for number, name in enumerate(sorted(found)) if number % 3}
