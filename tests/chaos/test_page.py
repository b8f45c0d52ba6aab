"""The bounds of the chaos run agree with the engine, and a page outside of them is detected."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.ledger import Bounds, Ledger, reached
from tests.chaos.lives import Change, Lives
from tests.chaos.organisation import STATES, TEAMS
from tests.chaos.page import mistakes
from tests.chaos.truth import replayed


def drawn(seed: int, count: int) -> list[Change]:
    lives = Lives(random.Random(seed))
    return [lives.draw() for _ in range(count)]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), acknowledged=st.integers(0, 100), under_way=st.integers(0, 50), data=st.data())
def test_true_numbers_are_within_the_bounds_whatever_is_under_way(
    seed: int, acknowledged: int, under_way: int, data: st.DataObject
) -> None:
    changes = drawn(seed, acknowledged + under_way)
    arrived = data.draw(st.permutations(changes[acknowledged:]))[: under_way // 2]
    bounds = Bounds(reached(changes[:acknowledged]), reached(changes))
    assert mistakes(replayed([*changes[:acknowledged], *arrived]), bounds) == []


def test_every_change_that_is_lost_or_too_many_is_found() -> None:
    changes = drawn(1, 40)
    exact = Bounds(reached(changes), reached(changes))
    assert mistakes(replayed(changes), exact) == []
    assert mistakes({}, exact) == []
    last = {change.item: change for change in sorted(changes, key=lambda change: change.rank)}
    for change in last.values():
        others = [one for one in changes if one != change]
        assert mistakes(replayed(others), exact)
        assert mistakes(replayed(changes), Bounds(reached(others), reached(others)))


def test_what_is_not_consistent_with_itself_is_found() -> None:
    changes = drawn(2, 100)
    exact = Bounds(reached(changes), reached(changes))
    shown = replayed(changes)
    for series in shown:
        if series[0] in {"flow_load_items", "flow_velocity_items"} and ("window", "7d") not in series[1]:
            wrong = dict(shown) | {series: shown[series] + 1}
            assert mistakes(wrong, exact) or ("window", "30d") in series[1]
        if series[0] == "flow_load_ratio" and ("level", "art") in series[1]:
            assert mistakes(dict(shown) | {series: shown[series] + 1 / 60}, exact)


def test_the_ledger_keeps_the_first_time_of_each() -> None:
    ledger, (one, other) = Ledger(), drawn(3, 2)
    for now in (1.0, 2.0):
        ledger.send(one, now)
        ledger.acknowledge(one, now + 1)
    ledger.send(other, 5.0)
    assert ledger.missing == 1
    assert ledger.changes == [one]
    assert ledger.bounds(1.9, 0.9) == Bounds(reached([]), reached([]))
    assert ledger.bounds(2.0, 1.0) == Bounds(reached([one]), reached([one]))
    assert ledger.bounds(9.0, 5.0) == Bounds(reached([one]), reached([one, other]))


def test_an_aborted_change_would_be_seen() -> None:
    lives = Lives(random.Random(4))
    before = [lives.draw() for _ in range(100)]
    unmade = lives.unmade()
    assert unmade not in before
    assert reached([*before, unmade]) != reached(before)
    assert set(reached(before)) == set(TEAMS)
    assert len(STATES) == 3
