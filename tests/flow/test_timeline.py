"""Timelines and intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.flow.timeline import Interval, Timeline


def test_an_interval_is_open_at_its_begin_and_closed_at_its_end() -> None:
    timeline = Timeline()
    for time in (15, 5, 10, 20):
        timeline.add((time, b"%d" % time))
    timeline.add((10, b"a"))
    found = {now: list(timeline.within(Interval(now - 10, now))) for now in (4, 5, 10, 14, 15, 20, 30)}
    assert found == {
        4: [],
        5: [b"5"],
        10: [b"5", b"10", b"a"],
        14: [b"5", b"10", b"a"],
        15: [b"10", b"a", b"15"],
        20: [b"15", b"20"],
        30: [],
    }


def test_what_comes_first_after_an_instant() -> None:
    timeline = Timeline()
    timeline.extend([(7, b"b"), (5, b"a")])
    assert [timeline.first_after(instant) for instant in (4, 5, 6, 7)] == [5, 7, 7, None]


def test_a_value_that_is_not_there_cannot_be_removed() -> None:
    timeline = Timeline()
    timeline.add((5, b"a"))
    with pytest.raises(ValueError, match="not in list"):
        timeline.remove((5, b"b"))
    timeline.remove((5, b"a"))
    assert len(timeline) == 0


BOUNDS = st.tuples(st.integers(-30, 30), st.integers(0, 20))


@given(BOUNDS, BOUNDS)
def test_an_interval_is_what_it_shares_with_another_and_what_lies_beyond(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    one, other = (Interval(low, low + width) for low, width in (first, second))
    own = {instant for instant in range(-60, 60) if one.low < instant <= one.high}
    others = {instant for instant in range(-60, 60) if other.low < instant <= other.high}
    parts = one.beyond(other)
    found = [instant for part in parts for instant in range(-60, 60) if part.has(instant)]
    assert sorted(found) == sorted(own - others)
    assert all(part.low < part.high for part in parts)
    assert one.beyond(None) == [one]
