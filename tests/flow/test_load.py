"""Load and age of one node."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.events.event import DAY, SECOND
from stream.flow.load import InLoad, Load
from stream.flow.statistics import NEVER, Statistics, describe
from stream.items.summary import FlowState, Summary
from tests.flow.material import doing


def put(load: Load, *summaries: Summary) -> None:
    for summary in summaries:
        assert summary.start is not None
        load.replace(None, InLoad.of(summary))


def test_counts_by_type_state_and_blocked_and_lower_bounds() -> None:
    load = Load()
    waiting = replace(doing(2), item_type="defect", state="Ready", flow_state=FlowState.WAITING)
    put(load, doing(1), doing(1, blocked_since=2), replace(waiting, start_is_lower_bound=True))
    assert len(load) == 3
    assert load.by_type == {("feature", FlowState.ACTIVE): 2, ("defect", FlowState.WAITING): 1}
    assert load.by_state == {"Doing": 2, "Ready": 1}
    assert load.blocked == {"feature": 1}
    assert load.lower_bounds == 1


def test_taking_out_what_was_put_in_leaves_nothing() -> None:
    for points in (None, 0, 500_000):
        load, item = Load(), doing(1, points=points, blocked_since=5, start_is_lower_bound=True)
        put(load, item)
        assert item.start is not None
        load.replace(InLoad.of(item), None)
        assert (len(load), load.by_type, load.by_state, load.blocked, load.lower_bounds) == (0, {}, {}, {}, 0)
        assert (load.estimates.points, load.estimates.unestimated) == ({}, {})


def test_a_new_estimate_takes_the_place_of_the_former_one() -> None:
    load = Load()
    put(load, doing(1, points=None))
    found = []
    for before, after in pairwise([None, 500_000, 3_000_000, 0, None]):
        load.replace(InLoad.of(doing(1, points=before)), InLoad.of(doing(1, points=after)))
        found.append((dict(load.estimates.points), dict(load.estimates.unestimated)))
    assert found == [({"feature": 500_000}, {}), ({"feature": 3_000_000}, {}), ({}, {}), ({}, {"feature": 1})]


def test_age_is_now_less_start_and_never_negative() -> None:
    load = Load()
    put(load, doing(1), doing(4), doing(2))
    assert load.ages(3 * DAY).at(3 * DAY) == Statistics(3, 86_400.0, 86_400.0, 146_880.0, 164_160.0, 172_800.0)
    assert load.ages(0).at(0).max == 0.0
    assert Load().ages(3 * DAY).at(3 * DAY) == Statistics()


@pytest.mark.parametrize("missing", ["state", "flow_state"])
def test_an_item_without_a_state_is_no_load(missing: str) -> None:
    load, item = Load(), replace(doing(1), **{missing: None})  # type: ignore[arg-type]
    if missing == "flow_state":
        put(load, item)
        assert (len(load), load.by_state) == (0, {})
        return
    with pytest.raises(ValueError, match="item '1' is in load without a state"):
        put(load, item)


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 60), st.integers(0, 20))
def test_ages_are_those_of_all_items_one_by_one(days: list[int], now: int, dropped: int) -> None:
    load, items = Load(), [doing(day) for day in days]
    put(load, *items)
    for item in items[:dropped]:
        load.replace(InLoad.of(item), None)
    ages = sorted(max(0, now - day) * DAY for day in days[dropped:])
    assert load.ages(now * DAY).at(now * DAY) == describe(ages)
    for age in (0.0, 86_400.0, 2.5 * 86_400, 86_399.999_999_9):
        assert load.older_than(age, now * DAY) == sum(1 for each in ages if each / SECOND > age)


def test_an_age_between_two_microseconds_is_compared_exactly() -> None:
    load = Load()
    put(load, doing(1))
    assert [load.older_than(age, DAY + 1_000_001) for age in (1.0000007, 1.0000014, 1.000001)] == [1, 0, 0]


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 60), st.integers(0, 30), st.floats(0, 3e6) | st.none())
def test_until_it_is_read_again_only_ages_have_grown(days: list[int], now: int, later: int, line: float | None) -> None:
    load = Load()
    put(load, *(doing(day) for day in days))
    before, until = load.ages(now * DAY), load.steady_until(now * DAY, line)
    assert until > now * DAY
    for instant in {min((now + later) * DAY, until - 1), until - 1} - {NEVER - 1}:
        assert before.at(instant) == load.ages(instant).at(instant)
        if line is not None:
            assert load.older_than(line, instant) == load.older_than(line, now * DAY)
