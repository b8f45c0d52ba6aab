"""The numbers of finished items."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.events.event import SECOND
from stream.flow.finished import BUCKETS, Finish, Finished, Finishes
from stream.flow.statistics import Statistics
from tests.flow.material import done

HOUR = 3_600 * SECOND


def finish(flow_time: int | None, item_type: str = "feature", active: int = 0, **stays: int) -> Finish:
    return Finish(item_type, flow_time, active, stays)


def finished(*finishes: Finish) -> Finished:
    sums = Finishes()
    sums.extend(finishes)
    return sums.numbers()


def test_sums_ratios_and_shares() -> None:
    numbers = finished(
        finish(4 * HOUR, active=HOUR, Doing=HOUR, Ready=3 * HOUR),
        finish(6 * HOUR, "defect", active=3 * HOUR, Doing=3 * HOUR, Odd=0),
        finish(None, "defect"),
        finish(None),
    )
    assert numbers.velocity == {"feature": 2, "defect": 2}
    assert (numbers.without_start, numbers.active, numbers.elapsed) == (2, 4 * 3600.0, 10 * 3600.0)
    assert numbers.efficiency == 0.4
    assert numbers.distribution == {"feature": 0.5, "defect": 0.5}
    assert numbers.stays == {"Doing": 4 * 3600.0, "Ready": 3 * 3600.0}
    assert (numbers.flow_time.count, numbers.flow_time.mean) == (2, 5 * 3600.0)


def test_buckets_are_cumulative_and_take_their_own_bound_in() -> None:
    numbers = finished(*[finish(bound) for bound in BUCKETS], finish(BUCKETS[-1] + 1), finish(None))
    assert numbers.buckets == tuple(range(1, len(BUCKETS) + 1))
    assert numbers.flow_time.count == len(BUCKETS) + 1


def test_of_nothing() -> None:
    numbers = finished()
    assert (numbers.velocity, numbers.distribution, numbers.efficiency, numbers.stays) == ({}, {}, None, {})
    assert (numbers.points, numbers.unestimated) == ({}, {})
    assert numbers.flow_time == Statistics()
    assert set(numbers.buckets) == {0}


def test_points_are_those_of_the_finish_and_no_points_are_not_zero() -> None:
    finishes = [done(5, 2, points=points).finish for points in (500_000, 2_000_000, 0, None)]
    item = done(5, 2, points=9_000_000)
    numbers = finished(*(Finish.of(item, each) for each in finishes if each is not None), finish(None, "defect"))
    assert (numbers.points, numbers.unestimated) == ({"feature": 2_500_000}, {"feature": 1, "defect": 1})


def test_the_efficiency_of_no_time_is_unknown() -> None:
    numbers = finished(finish(0))
    assert (numbers.flow_time.max, numbers.efficiency) == (0.0, None)


def test_the_flow_time_of_an_item_is_from_its_start_to_its_finish() -> None:
    item = done(5, 2, active=7, stays={"Doing": 7})
    assert item.finish is not None
    assert Finish.of(item, item.finish) == finish(3 * 24 * HOUR, active=7, Doing=7)
    alone = done(5)
    assert alone.finish is not None
    assert Finish.of(alone, alone.finish).flow_time is None


FINISHES = st.builds(
    Finish,
    st.sampled_from(["feature", "defect"]),
    st.none() | st.integers(0, 400 * 24 * HOUR),
    st.integers(0, HOUR),
    st.dictionaries(st.sampled_from(["Doing", "Ready"]), st.integers(0, HOUR)),
    st.sampled_from([None, 0, 500_000, 3_000_000]),
)


@given(st.lists(FINISHES), st.lists(FINISHES), st.lists(FINISHES))
def test_one_by_one_at_once_and_merged_are_the_same(kept: list[Finish], gone: list[Finish], more: list[Finish]) -> None:
    one_by_one, merged = Finishes(), Finishes()
    for each in [*gone, *kept, *more]:
        one_by_one.add(each)
    for each in reversed(gone):
        one_by_one.remove(each)
    merged.extend(kept)
    other = Finishes()
    other.extend(more)
    merged.merge(other)
    assert one_by_one.numbers() == merged.numbers() == finished(*kept, *more)
