"""The engine's counts of its own work, and their bounds."""

from __future__ import annotations

import pytest

from stream.events.rejection import Reason
from stream.gauges.engine_numbers import FRESHNESS_BUCKETS, MAX_SOURCES, EngineNumbers
from tests.gauges.material import outcome


def test_counts_add_up() -> None:
    numbers = EngineNumbers()
    for _ in range(2):
        numbers.count(outcome({("a", "applied"): 2, ("b", "rejected"): 1}, ["a"], late=3, reasons=[Reason.NOT_JSON]))
    assert numbers.events == {("a", "applied"): 4, ("b", "rejected"): 2}
    assert (numbers.anomalies, numbers.late) == ({"a": 2}, 6)
    assert numbers.dead_letters == dict.fromkeys((reason.value for reason in Reason), 0) | {"not_json": 2}
    assert numbers.backdated == {"a": 2}


def test_beyond_the_bound_all_further_sources_are_one_and_nothing_is_lost() -> None:
    numbers = EngineNumbers()
    for number in range(MAX_SOURCES + 5):
        numbers.count(outcome({(f"s{number}", "applied"): 1}, [f"s{number}"]))
        numbers.see({f"s{number}": number})
    assert numbers.events["other", "applied"] == numbers.anomalies["other"] == numbers.backdated["other"] == 5
    assert sum(numbers.events.values()) == MAX_SOURCES + 5
    assert len(numbers.events) == len(numbers.anomalies) == len(numbers.newest) == MAX_SOURCES + 1
    assert numbers.newest["other"] == MAX_SOURCES + 4
    numbers.count(outcome({("s0", "applied"): 1}))
    assert numbers.events["s0", "applied"] == 2


def test_the_newest_time_of_a_source_never_goes_back() -> None:
    numbers = EngineNumbers()
    for time in (-5, -9, 7, 3):
        numbers.see({"a": time})
    assert numbers.newest == {"a": 7}


def test_freshness_falls_into_the_bucket_whose_bound_it_does_not_pass() -> None:
    numbers = EngineNumbers()
    for seconds in (0.0, 0.01, 0.02, 3600.0, 3600.5):
        numbers.observe_freshness(seconds)
    counts = dict(zip([*FRESHNESS_BUCKETS, "beyond"], numbers.freshness, strict=True))
    assert {bound: count for bound, count in counts.items() if count} == {0.01: 2, 0.025: 1, 3600.0: 1, "beyond": 1}
    assert numbers.freshness_sum == pytest.approx(7200.53)
