"""The row: what is written is read again, whatever is left out; and rows of the version before."""

from __future__ import annotations

import struct
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.items.history import decode_history, new_history
from stream.items.row import (
    NOTHING,
    Entry,
    Header,
    encode_entries,
    encode_entry,
    read_entries,
    read_header,
    read_newest,
    write_row,
)
from stream.items.tail import Tail
from stream.items.tracker import Batch, Derivation
from tests.items.material import NOW, configured

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
        st.dictionaries(st.sampled_from(["state", "team", "points"]), VALUES),
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
    derivation, tails = Derivation.of(configured()), dict[bytes, Tail]()
    history = new_history()
    for one in before:
        history.add(one, NOW)
    rows: dict[bytes, Any] = {b"1": of_version_1(history.entries, Header(history.newest, NOW, 1))}
    batch = Batch(rows, derivation, NOW, tails=tails)
    batch.take(last, NOW)
    history.add(last, NOW)
    history.sent = 1
    outcome = batch.close()
    assert outcome.rows == {b"1": history.encode()}
    assert outcome.counts == {("s", "applied"): 1}


def test_a_row_of_version_1_that_is_touched_is_written_anew() -> None:
    entries = [Entry(NOW, "", "1", "s", EventType.CHANGED, {"state": "Doing"})]
    batch = Batch({b"1": of_version_1(entries, Header(NOW, NOW, 1))}, Derivation.of(configured()), NOW)
    batch.touch(b"1")
    assert batch.close().rows == {b"1": write_row(Header(NOW, NOW, 1), encode_entries(entries))}


def test_a_row_of_another_version_is_refused() -> None:
    row = bytes([3]) + write_row(HEADER, [])[1:]
    for read in (read_header, decode_history):
        with pytest.raises(ValueError, match="item row of version 3; this release reads versions 1 and 2"):
            read(row)
