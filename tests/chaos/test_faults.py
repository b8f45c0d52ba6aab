"""The faults of a run depend only on the seed, are within its time, and never overlap at one target."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.faults import KINDS, Fault, draw
from tests.chaos.report import longest_gap
from tests.kafka.probe import Node

NODES: list[Node] = [frozenset({("team", name)}) for name in "ab"]


@given(seed=st.integers(0, 2**32), seconds=st.floats(0, 900))
def test_one_target_has_one_fault_at_a_time_and_all_are_over_in_time(seed: int, seconds: float) -> None:
    faults = draw(random.Random(seed), seconds, 3)
    assert faults == draw(random.Random(seed), seconds, 3)
    by_target: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        assert 0 <= fault.number < 3
        assert fault.at + fault.lasts <= seconds + 1e-6
        by_target[fault.target].append(fault)
    for many in by_target.values():
        for one, other in pairwise(many):
            assert one.at + one.lasts + one.kind.after <= other.at


def test_ten_minutes_hold_nearly_all_kinds() -> None:
    seen = [{fault.kind for fault in draw(random.Random(seed), 600, 3)} for seed in range(20)]
    assert set().union(*seen) == set(KINDS)
    assert sum(map(len, seen)) / len(seen) > 0.8 * len(KINDS)


def test_the_longest_gap_ends_when_all_nodes_are_shown_by_some_worker() -> None:
    one, other = NODES
    assert longest_gap([[(0.0, {one}), (5.0, {one})], [(1.0, {other}), (6.0, set())]]) == 1.0
    assert longest_gap([[(0.0, {one, other}), (2.0, {one}), (9.0, {one, other})]]) == 7.0
    assert longest_gap([[], []]) == 0.0
