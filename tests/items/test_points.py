"""Estimates in whole millionths."""

from __future__ import annotations

import doctest

import pytest

from stream.events.event import DAY
from stream.events.limits import MAX_VALUE
from stream.items import points
from stream.items.fold import fold
from stream.items.points import millionths, points_of
from stream.items.rules import Rules
from tests.items.material import configured, entry

RULES = Rules(configured())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3_000_000),
        (0, 0),
        (0.5, 500_000),
        (0.1, 100_000),
        (2.000_000_4, 2_000_000),
        (1e300, None),
        (-0.5, None),
        (True, None),
        ("3", None),
        ([3], None),
        (None, None),
    ],
)
def test_points_are_a_number_of_zero_or_more_and_everything_else_is_no_estimate(
    value: object, expected: int | None
) -> None:
    assert points_of(value) == expected


def test_a_business_value_may_be_below_zero() -> None:
    assert (millionths(-0.5), millionths(-1e300)) == (-500_000, -MAX_VALUE * 1_000_000)


def test_decimals_add_up_exactly() -> None:
    assert sum(millionths(value) or 0 for value in [0.1] * 3) == millionths(0.3)


def test_the_example_of_the_docstring_holds() -> None:
    assert doctest.testmod(points).failed == 0


def test_points_are_those_of_now_and_those_of_the_finish_stay() -> None:
    entries = [
        entry(1, state="To Do", points=8),
        entry(2, state="Doing"),
        entry(3, points=5),
        entry(4, state="Done", points=3),
        entry(5, points=None),
    ]
    found = [fold("1", entries, RULES, day * DAY) for day in range(1, 6)]
    assert [summary and summary.points for summary in found] == [8_000_000, 8_000_000, 5_000_000, 3_000_000, None]
    finishes = [summary and summary.finish and summary.finish.points for summary in found]
    assert finishes == [None, None, None, 3_000_000, 3_000_000]


def test_a_second_finish_has_the_points_of_its_instant() -> None:
    entries = [entry(1, state="Doing", points=1), entry(2, state="Done"), entry(3, state="Doing"), entry(4, points=2)]
    summary = fold("1", [*entries, entry(5, state="Done"), entry(6, points=9)], RULES, 9 * DAY)
    assert summary is not None
    assert summary.finish is not None
    assert summary.finish.points == 2_000_000


def test_points_that_are_no_number_are_no_estimate_also_at_the_finish() -> None:
    summary = fold("1", [entry(1, state="Doing", points="5"), entry(2, state="Done")], RULES, 9 * DAY)
    assert summary is not None
    assert summary.finish is not None
    assert (summary.points, summary.finish.points) == (None, None)
