"""When an item is forgotten."""

from __future__ import annotations

import pytest

from stream.events.event import DAY, Event, EventType
from stream.items.derivation import Derivation
from stream.items.outcome import SummaryRow
from stream.items.tracker import Batch, expired, row_key
from tests.items.material import NOW, configured, event

ONE = Derivation.of(configured())
FOUR = Derivation.of(configured(), partitions=4)


def row_of(*events: Event, arrival: int, by: Derivation = ONE) -> tuple[bytes, bytes]:
    batch = Batch({}, by, NOW)
    for one in events:
        batch.add(one, arrival)
    row = batch.close().rows[row_key(events[0])]
    assert row is not None
    return row_key(events[0]), row


def test_a_finished_item_is_forgotten_after_its_retention_and_not_before() -> None:
    done = NOW - 400 * DAY
    key, row = row_of(event(done - DAY, state="Doing", team="Cards"), event(done, state="Done"), arrival=done)
    assert expired(key, row, ONE, NOW - 1) is None
    assert expired(key, row, ONE, NOW) == [SummaryRow(0, b"1", None, None, 0)]


def test_nothing_is_forgotten_within_a_week_of_its_arrival() -> None:
    key, row = row_of(event(NOW - 500 * DAY, state="Done"), arrival=NOW - 7 * DAY)
    assert expired(key, row, ONE, NOW - 1) is None
    assert expired(key, row, ONE, NOW) is not None


@pytest.mark.parametrize(
    ("state", "forgotten"), [("Done", True), ("Dropped", True), ("Doing", False), ("To Do", False)]
)
def test_what_is_not_ended_stays_for_ever(state: str, forgotten: bool) -> None:
    key, row = row_of(event(DAY, state=state), arrival=DAY)
    assert (expired(key, row, ONE, NOW) is not None) is forgotten


@pytest.mark.parametrize("kind", [EventType.DELETED, EventType.ERASED])
def test_deleted_and_erased_items_are_forgotten(kind: EventType) -> None:
    gone = Event("jira/acme", "gone", 2 * DAY, "", kind, "1", {})
    key, row = row_of(event(DAY, state="Doing"), gone, arrival=DAY)
    assert expired(key, row, ONE, NOW) is not None


def test_objectives_go_when_nothing_has_come_of_them_for_so_long() -> None:
    objective = Event("jira/acme", "o", DAY, "", EventType.OBJECTIVE, "1", {"pi": "2024.1"})
    key, row = row_of(objective, arrival=DAY)
    assert expired(key, row, ONE, NOW) == [SummaryRow(0, key, None, None, 0)]
    assert expired(key, row, ONE, DAY + ONE.retention - 1) is None


def test_forgetting_takes_the_item_out_of_each_partition_it_was_sent_to() -> None:
    events = [event(DAY, state="Doing", team="Cards"), event(2 * DAY, state="Done", team="Credit")]
    key, row = row_of(*events, arrival=DAY, by=FOUR)
    partitions = {FOUR.partition("Payments"), FOUR.partition("Lending")}
    assert expired(key, row, FOUR, NOW) == [
        SummaryRow(partition, key, None, None, 0) for partition in sorted(partitions)
    ]
