"""When items must be folded again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.worker.due import Due

KEYS = st.sampled_from([b"a", b"b", b"c"])
STEPS = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 9)), max_size=20)


@given(STEPS, st.integers(0, 9))
def test_the_earliest_is_that_of_what_is_still_due(steps: list[tuple[bytes, int | None]], now: int) -> None:
    due, expected = Due(), dict[bytes, int]()
    for key, time in steps:
        if time is None:
            due.forget(key)
            expected.pop(key, None)
        else:
            due.update({key: time})
            expected[key] = time
        assert due.earliest == min(expected.values(), default=None)
        assert sorted(due.by(now)) == sorted(key for key, when in expected.items() if when <= now)
