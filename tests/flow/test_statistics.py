"""Mean, percentiles and maximum."""

from __future__ import annotations

import math
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.event import SECOND
from stream.flow.statistics import Statistics, describe


def test_of_nothing_all_is_none() -> None:
    assert describe([]) == Statistics(0, None, None, None, None, None)


def test_of_one_all_are_it() -> None:
    assert describe([1_500_000]) == Statistics(1, 1.5, 1.5, 1.5, 1.5, 1.5)


def test_what_numpy_gives() -> None:
    """numpy.percentile([1, 2, 4, 8, 16], [50, 85, 95]) is 4, 11.2 and 14.4."""
    described = describe([value * SECOND for value in (1, 2, 4, 8, 16)])
    assert (described.count, described.mean, described.p50, described.max) == (5, 6.2, 4.0, 16.0)
    assert described.p85 == pytest.approx(11.2)
    assert described.p95 == pytest.approx(14.4)


def test_quantiles_are_found_by_their_number() -> None:
    described = describe([SECOND, 2 * SECOND, 3 * SECOND])
    assert [described.quantile(q) for q in (0.5, 0.85, 0.95)] == [described.p50, described.p85, described.p95]
    with pytest.raises(ValueError, match="not in tuple"):
        described.quantile(0.9)


@given(st.lists(st.integers(0, 10**16), min_size=2).map(sorted))
def test_percentiles_are_those_of_the_standard_library(durations: list[int]) -> None:
    described = describe(durations)
    expected = quantiles(durations, n=100, method="inclusive")
    for mine, percent in ((described.p50, 50), (described.p85, 85), (described.p95, 95)):
        assert mine is not None
        assert math.isclose(mine, expected[percent - 1] / SECOND, rel_tol=1e-9, abs_tol=1e-6)
