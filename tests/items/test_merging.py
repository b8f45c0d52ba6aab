"""Rows of one item from several partitions become the row that all its events together would have made."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.items import history as module
from stream.items.history import decode_history, new_history
from stream.items.merging import merge_rows
from stream.items.row import Header, read_header, write_row
from tests.items.material import NOW, entry

# The same name may come with two contents, and the same event in two partitions.
EVENTS = st.builds(
    lambda name, day, kind, points: Event(
        "jira/acme", f"jira:{name}", day * DAY, "", kind, "1", {"points": points, "state": "Doing"}
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([EventType.CHANGED] * 4 + [EventType.DELETED, EventType.ERASED]),
    st.sampled_from([1, 1.0, None]),
)


def row_of(events: list[Event], arrival: int = NOW, sent: int = 1) -> bytes:
    history = new_history()
    for one in events:
        history.add(one, arrival)
    history.sent = sent
    return history.encode()


@given(st.lists(st.lists(EVENTS, min_size=1, max_size=6), min_size=1, max_size=4))
def test_it_is_the_row_of_all_their_events(partitions: list[list[Event]]) -> None:
    rows = [row_of(events) for events in partitions]
    together = row_of([one for events in partitions for one in events])
    for order in permutations(rows):
        assert merge_rows(order) == (together, 0)


def test_the_last_arrival_and_all_partitions_of_the_summaries_are_kept() -> None:
    event = Event("jira/acme", "1", DAY, "", EventType.CHANGED, "1", {})
    row, _ = merge_rows([row_of([event], arrival=7, sent=0b01), row_of([event], arrival=9, sent=0b10)])
    assert read_header(row) == (DAY, 9, 0b11)


def test_rows_of_version_1_are_merged_too() -> None:
    old = write_row(Header(DAY, NOW, 1), [b'[86400000000,"","1","jira/acme",0,{"state":"Doing"}]'])
    old = b"\x01" + old[1:]
    row, _ = merge_rows([old, row_of([Event("jira/acme", "2", 2 * DAY, "", EventType.CHANGED, "1", {"points": 3})])])
    assert decode_history(row).entries == [entry(1, state="Doing"), entry(2, points=3)]


def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Event("jira/acme", f"{day}", day * DAY, "", EventType.CHANGED, "1", {}) for day in range(5)]
    rows = [row_of(many[:3]), row_of(many[2:])]
    monkeypatch.setattr(module, "MAX_EVENTS", 4)
    row, left_out = merge_rows(rows)
    assert (len(decode_history(row).entries), left_out) == (4, 1)
