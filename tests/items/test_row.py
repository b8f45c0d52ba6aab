"""The row: what is written is read again, whatever is left out; and rows of the version before."""

from __future__ import annotations

import struct
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.events.limits import MAX_DEPTH
from stream.items.derivation import Derivation
from stream.items.history import decode_history, new_history
from stream.items.row import (
    NOTHING,
    Entry,
    Header,
    encode_entries,
    encode_entry,
    is_row,
    read_entries,
    read_header,
    read_newest,
    write_row,
)
from stream.items.tracker import Batch
from tests.items.material import NOW, configured
from tests.items.whole import read_whole

HEADER = Header(5, 6, 0b101)
VALUES = st.sampled_from(
    ["a", "", "1", 0, 1, True, False, None, 1.0, 0.0, -0.0, [1], [True], ["a"], {"a": 0.0}, {"a": 0}]
)
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.integers(-(2**50), 2**50),
        st.sampled_from(["", "0007", "0008"]),
        st.sampled_from(["jira:1", "jira:2", "jira:1:2", "jira:", "1", ":"]),
        st.sampled_from(["jira", "github"]),
        st.sampled_from(EventType),
        st.dictionaries(st.sampled_from(["size", "team", "points"]), VALUES),
    ),
    min_size=1,
    max_size=6,
)


def written(entries: list[Entry]) -> bytes:
    """Tell apart what compares equal, such as 1, 1.0 and true."""
    return orjson.dumps([tuple(entry) for entry in entries], option=orjson.OPT_SORT_KEYS)


def of_version_1(entries: list[Entry], header: Header) -> bytes:
    """Write a row as the release before did."""
    rows = [[*entry.place, list(EventType).index(entry.type), entry.changes] for entry in entries]
    return struct.pack(">BqqQ", 1, *header) + orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)


@settings(deadline=None)
@given(ENTRIES)
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    entries.sort(key=lambda entry: entry.place)
    row = write_row(HEADER, encode_entries(entries))
    assert written(read_entries(row)) == written(entries)
    assert read_header(row) == HEADER
    assert read_newest(row) == HEADER.newest
    for cut in range(1, len(entries)):
        first = write_row(Header(0, 0, 0), encode_entries(entries[:cut]))
        later = [encode_entry(two, one) for one, two in zip(entries[cut - 1 :], entries[cut:], strict=False)]
        assert write_row(HEADER, later, first) == row


@settings(deadline=None)
@given(ENTRIES)
def test_rows_of_version_1_are_read(entries: list[Entry]) -> None:
    row = of_version_1(entries, HEADER)
    assert written(read_entries(row)) == written(entries)
    assert read_header(row) == HEADER
    assert read_newest(row) == HEADER.newest


def test_an_entry_says_what_is_another_than_before() -> None:
    changes = {"state": "Doing", "team": "Cards", "points": 3}
    first = Entry(NOW, "0001", "jira:7:1", "jira", EventType.CHANGED, changes)
    second = Entry(NOW + 5, "0002", "jira:7:2", "jira", EventType.CHANGED, changes | {"state": "Done"})
    assert orjson.loads(encode_entry(first, NOTHING)) == [NOW, "0001", 0, "jira:7:1", changes, 1, 0, "jira"]
    assert orjson.loads(encode_entry(second, first)) == [5, "0002", 7, "2", {"state": "Done"}]
    for other in (second._replace(source="github"), second._replace(type=EventType.DELETED)):
        more = [0, list(EventType).index(other.type), other.source]
        assert orjson.loads(encode_entry(other, first)) == [5, "0002", 7, "2", {"state": "Done"}, *more]
    bare = second._replace(changes={"state": "Done"})
    assert orjson.loads(encode_entry(bare, first)) == [5, "0002", 7, "2", {"state": "Done"}, 1, 0, "jira"]


@pytest.mark.parametrize("late", [True, False])
def test_a_row_of_version_1_becomes_the_same_bytes_as_if_there_had_never_been_one(*, late: bool) -> None:
    times = [NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY]
    names = ["Doing", "Ready", "Done"]
    events = [
        Event("s", f"s:{at}", at, "", EventType.CHANGED, "1", {"state": n}) for at, n in zip(times, names, strict=True)
    ]
    *before, last = events[1:] + events[:1] if late else events
    derivation = Derivation.of(configured())
    history = new_history()
    for one in before:
        history.add(one, NOW)
    rows: dict[bytes, Any] = {b"1": of_version_1(history.entries, Header(history.newest, NOW, 1))}
    batch = Batch(rows, derivation, NOW)
    batch.add(last, NOW)
    history.add(last, NOW)
    history.sent = 1
    outcome = batch.close()
    assert outcome.rows == {b"1": history.encode()}
    assert outcome.counts == {("s", "applied"): 1}


def test_a_row_of_version_1_that_is_touched_becomes_version_2() -> None:
    entries = [Entry(NOW, "", "1", "s", EventType.CHANGED, {"state": "Doing"})]
    batch = Batch({b"1": of_version_1(entries, Header(NOW, NOW, 1))}, Derivation.of(configured()), NOW)
    batch.touch(b"1")
    assert batch.close().rows == {b"1": write_row(Header(NOW, NOW, 1), encode_entries(entries))}


ANY = st.recursive(
    st.sampled_from([None, True, 0, -1, 7, 2**62, 1.5, "", "x", "jira:1", "Doing", "Done"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["state", "team", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
PART = st.sampled_from([0, 5, "", "jira:1", {"state": "Doing"}, {"state": "Done", "team": "Cards"}]) | ANY
LIKE_ENTRIES = st.lists(st.lists(PART, min_size=4, max_size=9) | ANY, max_size=4)
NEARLY = st.tuples(
    st.integers(0, 9) | ANY,
    st.just("") | ANY,
    st.just(0) | ANY,
    st.just("jira:1") | ANY,
    st.just({"state": "Doing", "team": "Cards"}) | ANY,
    st.just(1) | ANY,
    st.integers(0, 3) | ANY,
    st.just("jira") | ANY,
).map(list)


@settings(max_examples=300)
@given(LIKE_ENTRIES | st.lists(NEARLY, min_size=1, max_size=3), st.sampled_from([1, 2]))
def test_whatever_a_row_says_it_is_refused_or_can_be_folded_and_written(said: Any, version: int) -> None:
    derivation = Derivation.of(configured())
    row = struct.pack(">BqqQ", version, 0, 0, 0) + orjson.dumps(said)
    for key in (b"1", b"\0objective\0001"):
        batch = Batch({key: row}, derivation, NOW)
        batch.touch(key)
        outcome = batch.close()
        if key in outcome.unreadable:
            assert (outcome.rows, outcome.summaries) == ({}, [])
        else:
            assert [sent.value is None or read_whole(sent.value, derivation.name) for sent in outcome.summaries]


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        7,
        [7],
        [[0, "", 0, "1", {"state": 7}, 1, 0, "jira"]],
        [[0, "", 0, "1", {"previous_state": []}, 1, 0, "jira"]],
        [[2**62, "", 0, "1", {}, 1, 0, "jira"]],
        [[0.5, "", 0, "1", {}, 1, 0, "jira"]],
        [[0, 7, 0, "1", {}, 1, 0, "jira"]],
        [[0, "", 0, "1", {}, 1, 9, "jira"]],
        [[0, "", 0, "1", {}, 1, 0, None]],
        [[0, "", 0, 1, {}, 1, 0, "jira"]],
    ],
)
def test_entries_that_nobody_can_have_written_are_an_error(said: Any) -> None:
    with pytest.raises(ValueError, match="not the entries of an item"):
        read_entries(struct.pack(">BqqQ", 2, 0, 0, 0) + orjson.dumps(said))


def test_what_nests_too_deeply_to_be_written_again_is_an_error() -> None:
    def nested(levels: int) -> bytes:
        value = b"[" * levels + b"]" * levels
        return struct.pack(">BqqQ", 2, 0, 0, 0) + b'[[0,"",0,"1",{"x":%b},1,0,"jira"]]' % value

    assert len(read_entries(nested(MAX_DEPTH))) == 1
    for levels in (MAX_DEPTH + 1, 500, 5_000):
        with pytest.raises(ValueError):  # noqa: PT011
            read_entries(nested(levels))


def test_a_header_that_is_cut_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a row of an item"):
        read_header(b"\2")


@given(ENTRIES)
def test_what_is_written_looks_like_a_row(entries: list[Entry]) -> None:
    row = write_row(HEADER, encode_entries(entries))
    assert is_row(row)
    assert is_row(of_version_1(entries, HEADER))
    assert not any(map(is_row, (row[:-2], b"\3" + row[1:], row[1:], b"", row[:27])))


def test_a_row_of_another_version_is_refused() -> None:
    row = bytes([3]) + write_row(HEADER, [])[1:]
    for read in (read_header, decode_history):
        with pytest.raises(ValueError, match="item row of version 3; this release reads versions 1 and 2"):
            read(row)
