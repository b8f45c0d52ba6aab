"""The history of an item as a row: order, duplicates, limits, erasure, versions."""

from __future__ import annotations

from itertools import permutations

import pytest

from stream.events.event import DAY, Event, EventType
from stream.events.rejection import Reason, Rejection
from stream.items import history as module
from stream.items.history import decode_history, new_history
from stream.items.row import read_header
from tests.items.material import event


def named(time: int, sequence: str, name: str, source: str = "s", kind: EventType = EventType.CHANGED) -> Event:
    return Event(source, name, time, sequence, kind, "1", {"state": name})


def test_events_stand_in_order_of_time_sequence_id_and_source() -> None:
    sorted_events = [
        named(1, "", "b"),
        named(1, "10", "a"),
        named(1, "9", "a", "t"),
        named(1, "9", "c"),
        named(2, "", "a", "u"),
    ]
    for order in permutations(sorted_events):
        history = new_history()
        assert all(history.add(one, 7) for one in order)
        assert [entry.place for entry in history.entries] == [
            (e.time, e.sequence, e.id, e.source) for e in sorted_events
        ]
        assert history.newest == 2


def test_a_row_is_the_same_bytes_whatever_came_first() -> None:
    events = [event(3 * DAY, state="Done"), event(DAY, state="Doing", team="Cards"), event(2 * DAY, points=5)]
    rows = set()
    for order in permutations(events):
        history = new_history()
        for one in [*order, order[0]]:
            history.add(one, 7)
            history = decode_history(history.encode())
        rows.add(history.encode())
    assert len(rows) == 1
    read = decode_history(rows.pop())
    assert [entry.changes for entry in read.entries] == [events[1].changes, events[2].changes, events[0].changes]
    assert {entry.type for entry in read.entries} == {EventType.CHANGED}


def test_the_header_has_newest_time_last_arrival_and_partitions() -> None:
    history = new_history()
    history.add(event(5, state="Doing"), 9)
    history.add(event(3, state="To Do"), 8)
    history.sent = 0b101
    assert read_header(history.encode()) == (5, 9, 0b101)


def test_the_second_delivery_is_a_duplicate_but_its_arrival_is_noted() -> None:
    history = new_history()
    assert history.add(event(5, state="Doing"), 9)
    assert not history.add(event(5, state="Doing"), 11)
    assert (len(history.entries), history.arrival) == (1, 11)


def test_of_two_contents_under_one_name_the_lower_is_kept_in_either_order() -> None:
    low, high = named(1, "", "x"), Event("s", "x", 2, "", EventType.CHANGED, "1", {"state": "other"})
    for order in ((low, high), (high, low)):
        history = new_history()
        assert [history.add(one, 1) for one in order] == [True, False]
        assert [(entry.time, entry.changes) for entry in history.entries] == [(1, low.changes)]


def test_of_two_contents_at_one_place_the_lower_json_is_kept() -> None:
    contents = [Event("s", "x", 1, "", EventType.CHANGED, "1", {"b": 1, "a": value}) for value in (2, 1)]
    for order in permutations(contents):
        history = new_history()
        for one in order:
            history.add(one, 1)
        assert history.entries[0].changes == {"a": 1, "b": 1}


def test_one_id_of_two_sources_is_two_events() -> None:
    history = new_history()
    assert history.add(named(1, "", "x", "one"), 1)
    assert history.add(named(1, "", "x", "two"), 1)
    assert len(history.entries) == 2


def test_beyond_its_number_of_events_a_history_refuses_and_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 2)
    history = new_history()
    history.add(event(1, state="Doing"), 1)
    history.add(event(2, state="Ready"), 1)
    before = history.encode()
    with pytest.raises(Rejection, match="the item has 2 events; at most 2 events and .* are kept") as refused:
        history.add(event(3, state="Done"), 1)
    assert (refused.value.reason, refused.value.source) == (Reason.HISTORY_FULL, "jira/acme")
    assert history.encode() == before
    assert not history.add(event(1, state="Doing"), 1)


def test_beyond_its_bytes_a_history_refuses_also_after_it_was_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROW_BYTES", 2_000)
    history = new_history()
    history.add(named(1, "", "x" * 900), 1)
    for one in (history, decode_history(history.encode())):
        with pytest.raises(Rejection, match="2,000 bytes"):
            one.add(named(2, "", "y" * 100), 1)


def test_an_erased_item_keeps_nothing_but_its_first_erasure() -> None:
    events = [
        named(1, "", "before"),
        named(3, "", "erasure", kind=EventType.ERASED),
        named(4, "", "again", kind=EventType.ERASED),
        named(5, "", "after"),
    ]
    for order in permutations(events):
        history = new_history()
        for one in order:
            history.add(one, 1)
            history.forget_if_erased(9)
        assert [(entry.id, entry.changes) for entry in history.entries] == [("erasure", {})]


def test_an_erasure_in_the_future_erases_nothing_yet() -> None:
    history = new_history()
    history.add(named(1, "", "a"), 1)
    history.add(named(5, "", "erasure", kind=EventType.ERASED), 1)
    history.forget_if_erased(4)
    assert len(history.entries) == 2
    history.forget_if_erased(5)
    assert [entry.type for entry in history.entries] == [EventType.ERASED]


def test_without_an_erasure_nothing_is_forgotten() -> None:
    history = new_history()
    history.add(named(1, "", "a"), 1)
    history.forget_if_erased(9)
    assert len(history.entries) == 1


def test_a_full_history_can_be_erased_and_has_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1)
    monkeypatch.setattr(module, "MAX_ROW_BYTES", 200)
    history = new_history()
    history.add(named(1, "", "x" * 50), 1)
    assert history.add(named(5, "", "erasure", kind=EventType.ERASED), 1)
    with pytest.raises(Rejection, match="the item has 2 events"):
        history.add(named(6, "", "one erasure is enough", kind=EventType.ERASED), 1)
    history.forget_if_erased(9)
    monkeypatch.setattr(module, "MAX_EVENTS", 2)
    assert history.add(named(7, "", "y" * 50), 1)
