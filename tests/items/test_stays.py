"""Stays say the same as a dict of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.items import stays
from stream.items.stays import Stays

LONGEST = 10**18


@given(st.dictionaries(st.text(), st.integers(0, LONGEST)))
def test_stays_are_what_they_were_made_of(made_of: dict[str, int]) -> None:
    found = Stays(made_of)
    assert found == made_of
    assert list(found.items()) == list(made_of.items())
    assert [found[state] for state in found] == list(made_of.values())
    assert len(found) == len(made_of)
    assert found != {**made_of, "\0": made_of.get("\0", 0) + 1}


@given(st.lists(st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abc"), st.integers(0, LONGEST)))))
def test_a_total_is_the_sum_of_all(many: list[tuple[bool, dict[str, int]]]) -> None:
    expected: Counter[str] = Counter()
    for _, each in many:
        expected.update(each)
    assert Stays.total([Stays(each) if packed else each for packed, each in many]) == expected


def test_items_that_passed_through_the_same_states_share_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stays, "MAX_REMEMBERED", 2)
    monkeypatch.setattr(stays, "_paths", {})
    first, second = Stays({"Doing": 1, "Review": 2}), Stays({"Doing": 3, "Review": 4})
    assert first._states is second._states
    # What is remembered has a limit.
    others = [Stays({name: 1}) for name in ("a", "b", "c")]
    assert len(stays._paths) <= 2
    assert [dict(each) for each in others] == [{"a": 1}, {"b": 1}, {"c": 1}]
