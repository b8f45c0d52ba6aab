"""Rows keep their content, compressed or not."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.rows import COMPRESSED, SAMPLES, Rows

HEADER = bytes(24)


class Record(NamedTuple):
    """A record of the changelog."""

    key: bytes | None
    value: bytes | None


def row(number: int) -> bytes:
    return b'\2%b[[%d,"%012d","jira/acme:%d:1",{"state":"In Progress","team":"Cards"}]]' % (
        HEADER,
        number * 7_919,
        number,
        number,
    )


def entries(version: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=1, max_size=40).map(lambda written: b"%b%b[%b]" % (version, HEADER, written))


def compressed(rows: Rows) -> int:
    return sum(value[0] == COMPRESSED for value in rows._rows.values())


def many() -> Rows:
    rows = Rows()
    rows.take([Record(b"%d" % number, row(number)) for number in range(2 * SAMPLES)])
    return rows


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 9), entries(b"\2")),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just(b"")),
        st.tuples(st.just("take"), st.integers(0, 9), st.none() | entries(b"\1")),
        st.tuples(st.just("compress"), st.just(0), st.just(b"")),
    )
)


@given(STEPS)
def test_rows_behave_like_a_dict_whenever_they_are_compressed(steps: list[tuple[str, int, bytes | None]]) -> None:
    rows = many()
    expected = {key: rows[key] for key in rows}
    for what, number, value in steps:
        key = b"%d" % number
        if what == "put" and value is not None:
            rows[key] = expected[key] = value
        elif what == "delete":
            assert rows.pop(key, None) == expected.pop(key, None)
        elif what == "take":
            rows.take([Record(key, value)])
            expected.pop(key, None)
            expected |= {} if value is None else {key: value}
        else:
            deque(rows.compress(), maxlen=0)
    assert dict(rows) == dict(rows.items()) == expected
    assert len(rows) == len(expected)
    keys = [b"%d" % number for number in range(10)]
    assert [rows.get(key) for key in keys] == [expected.get(key) for key in keys]
    assert [key in rows for key in keys] == [key in expected for key in keys]


ODD = (b"", b"\2", b"[" * 5_000, b"\3%b[[0]]" % HEADER, b"\2%b[]" % HEADER, row(1)[:-2])


@pytest.mark.parametrize("odd", ODD)
def test_a_record_that_is_no_row_is_returned_and_the_row_before_it_stays(odd: bytes) -> None:
    rows = Rows()
    good = [Record(b"1", row(1)), Record(b"2", row(2)), Record(b"3", row(3))]
    assert rows.take(good) == []
    bad = [Record(b"2", odd), Record(b"4", odd), Record(None, row(5))]
    # Also if both are in one read; and a later record still counts.
    assert rows.take([Record(b"5", row(5)), Record(b"5", odd), *bad, Record(b"3", None)]) == [Record(b"5", odd), *bad]
    assert dict(rows) == {b"1": row(1), b"2": row(2), b"5": row(5)}
    assert rows.overwritten == {b"2", b"5"}


def test_compressed_rows_take_a_fraction_and_come_back_unchanged() -> None:
    rows = many()
    before = sum(map(len, rows._rows.values()))
    deque(rows.compress(), maxlen=0)
    assert compressed(rows) == len(rows)
    assert sum(map(len, rows._rows.values())) < before / 2
    assert [rows[key] for key in rows] == [row(number) for number in range(len(rows))]


def test_a_pass_is_made_only_if_it_saves_much() -> None:
    rows = many()
    deque(rows.compress(), maxlen=0)
    # A written row is compressed at once; a row from the changelog is not.
    rows[b"new"] = row(9)
    assert compressed(rows) == len(rows)
    rows.take([Record(b"read", row(8))])
    assert not list(rows.compress())
    rows.take([Record(b"read %d" % number, row(number)) for number in range(SAMPLES)])
    assert compressed(rows) < len(rows)
    deque(rows.compress(), maxlen=0)
    assert compressed(rows) == len(rows)


def test_a_pass_goes_on_while_rows_come_and_go() -> None:
    rows = many()
    work = rows.compress()
    next(work)
    del rows[b"1500"]
    rows[b"1501"] = row(7)
    deque(work, maxlen=0)
    assert b"1500" not in rows
    assert rows[b"1501"] == row(7)


def test_few_rows_stay_plain() -> None:
    rows = Rows()
    for number in range(SAMPLES - 1):
        rows[b"%d" % number] = row(number)
    assert not list(rows.compress())
    assert compressed(rows) == 0


def test_rows_that_teach_nothing_stay_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> object:
        raise zstandard.ZstdError("cannot train dict: Src size is incorrect")

    monkeypatch.setattr(zstandard, "train_dictionary", refuse)
    rows = many()
    assert not list(rows.compress())
    assert compressed(rows) == 0
    assert rows[b"7"] == row(7)
