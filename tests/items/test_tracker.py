"""A batch: records and rows in, rows, summaries, refusals and counts out."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

import orjson
import pytest

from stream.events.event import DAY, SECOND, Event, EventType
from stream.events.limits import MAX_EVENT_BYTES
from stream.events.partition import EventsPartition, partition_of
from stream.events.rejection import Reason
from stream.events.time import format_time
from stream.items import history
from stream.items.derivation import Derivation
from stream.items.history import decode_history
from stream.items.outcome import MILLISECOND, Outcome, Reroute
from stream.items.row import Header, read_header, write_row
from stream.items.summary import Summary
from stream.items.tracker import Batch, expired, row_key
from tests.items.material import FLOW, LEVELS, NOW, configured, event
from tests.items.whole import read_whole

ONE = Derivation.of(configured())
FOUR = Derivation.of(configured(), partitions=4)


@dataclass
class Row:
    """A record as a Kafka client gives it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = NOW // MILLISECOND


def record(data: Any, time: int = NOW - DAY, name: str = "1", **others: Any) -> Row:
    envelope = {"specversion": "1.0", "id": name, "source": "jira/acme", "type": "flow.item.changed"}
    value = orjson.dumps({**envelope, "time": format_time(time), "data": data})
    return Row(**{"key": b"1", "value": value, **others})


def taken(*events: Event, rows: Any = None, by: Derivation = ONE, now: int = NOW) -> Outcome:
    batch = Batch(rows or {}, by, now)
    for one in events:
        batch.add(one, NOW)
    return batch.close()


def summaries(outcome: Outcome, by: Derivation = ONE) -> list[Summary | None]:
    return [(sent.value and read_whole(sent.value, by.name)) or None for sent in outcome.summaries]


def test_records_are_decoded_and_the_refused_are_kept_with_their_reason() -> None:
    good, bad = record({"item": "1", "state": "Doing", "team": "Cards"}), record({"item": "1", "state": 7}, name="2")
    batch = Batch({}, ONE, NOW)
    batch.add_records([good, Row(b"1", b"{"), bad, good, Row(b"1", None)], 0)
    outcome = batch.close()
    assert [(refusal.record.value, refusal.rejection.reason.value) for refusal in outcome.refusals] == [
        (b"{", "not_json"),
        (bad.value, "bad_field"),
        (None, "tombstone"),
    ]
    assert outcome.counts == {
        ("jira/acme", "applied"): 1,
        ("jira/acme", "duplicate"): 1,
        ("jira/acme", "rejected"): 1,
        ("", "rejected"): 2,
    }
    assert [sent.arrival for sent in outcome.summaries] == [NOW]


UNREADABLE = write_row(Header(NOW - DAY, NOW, 1), [b'[0,"",0,"1",{"state":7},1,0,"jira/acme"]'])


def test_events_of_an_item_whose_history_cannot_be_read_are_refused() -> None:
    rows = {b"1": UNREADABLE}
    batch = Batch(rows, ONE, NOW)
    other = record({"item": "2", "state": "Doing"}, name="3", key=b"2")
    batch.add_records([record({"item": "1", "state": "Doing"}), other, record({"item": "1"}, name="2")], 0)
    outcome = batch.close()
    reasons = [(refusal.record.key, refusal.rejection.reason) for refusal in outcome.refusals]
    assert reasons == [(b"1", Reason.UNREADABLE_HISTORY)] * 2
    assert outcome.refusals[0].rejection.detail.startswith("the history of the item cannot be read (not the entries")
    assert outcome.counts == {("jira/acme", "rejected"): 2, ("jira/acme", "applied"): 1}
    # The last summary stays, and so does the row.
    assert (list(outcome.rows), [sent.key for sent in outcome.summaries]) == ([b"2"], [b"2"])
    assert list(outcome.unreadable) == [b"1"]


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (b"1", UNREADABLE),
        (b"1", b"\2"),
        (b"\xff", write_row(Header(0, 0, 1), [b'[0,"",0,"1",{},1,0,"jira"]'])),
        (row_key(Event("s", "o", NOW, "", EventType.OBJECTIVE, "1", {})), UNREADABLE),
    ],
)
def test_what_cannot_be_read_is_derived_no_more_and_said(key: bytes, row: bytes) -> None:
    batch = Batch({key: row, b"2": taken(event(state="Doing")).rows[b"1"]}, ONE, NOW)  # type: ignore[dict-item]
    batch.touch(key)
    batch.touch(b"2")
    outcome = batch.close()
    assert (list(outcome.unreadable), [sent.key for sent in outcome.summaries]) == ([key], [b"2"])
    assert (outcome.rows, outcome.refusals, outcome.counts) == ({}, [], {})


def test_what_cannot_be_read_is_never_beyond_retention() -> None:
    old = write_row(Header(NOW - 900 * DAY, NOW - 900 * DAY, 1), [b'[0,"",0,"1",{"state":7},1,0,"jira/acme"]'])
    assert expired(b"1", old, ONE, NOW) is None


def test_what_was_refused_goes_with_what_it_came_to() -> None:
    refused, batch = [Row(b"1", b"{"), Row(b"1", None), record({"item": "1", "state": 7})], Batch({}, ONE, NOW)
    batch.add_records(refused, 0)
    outcome = batch.close()
    assert len(outcome.refusals) == len(refused)
    left = [ref(row) for row in refused]
    gc.disable()
    try:
        del outcome, batch, refused
        assert [row() for row in left] == [None] * 3
    finally:
        gc.enable()


def test_a_full_history_refuses_records_under_their_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_EVENTS", 1)
    batch = Batch({}, ONE, NOW)
    batch.add_records([record({"item": "1"}), record({"item": "1", "points": 1}, name="2")], 0)
    outcome = batch.close()
    assert outcome.counts == {("jira/acme", "applied"): 1, ("jira/acme", "rejected"): 1}
    assert [refusal.rejection.reason.value for refusal in outcome.refusals] == ["history_full"]


def test_what_lies_far_ahead_of_arrival_and_clock_is_refused() -> None:
    ahead = record({"item": "1"}, time=NOW + 40 * DAY)
    for clock, refused in ((0, 1), (NOW + 20 * DAY, 0)):
        batch = Batch({}, ONE, NOW)
        batch.add_records([ahead], clock)
        assert len(batch.close().refusals) == refused


def test_a_duplicate_changes_no_row_and_repeats_its_summary() -> None:
    first = taken(event(state="Doing", team="Cards"))
    again = taken(event(state="Doing", team="Cards"), rows=first.rows)
    assert again.rows == {}
    assert again.summaries == first.summaries
    assert again.counts == {("jira/acme", "duplicate"): 1}


def test_a_later_arrival_of_a_duplicate_is_a_new_row() -> None:
    first = taken(event(state="Doing"))
    batch = Batch(first.rows, ONE, NOW)  # type: ignore[arg-type]
    batch.add(event(state="Doing"), NOW + 1)
    row = batch.close().rows[b"1"]
    assert row is not None
    assert read_header(row).arrival == NOW + 1


def test_newest_times_are_by_source_and_the_newest_wins() -> None:
    early, late = event(NOW - 2 * DAY, state="Doing"), event(NOW - DAY, state="Done")
    assert taken(late, early, early).newest == {"jira/acme": NOW - DAY}
    before_1970 = event(-DAY, state="Doing")
    assert taken(before_1970).newest == {"jira/acme": -DAY}


def test_an_event_beyond_the_tolerance_in_the_future_is_an_anomaly_once_and_comes_due() -> None:
    inside, beyond = event(NOW + 300 * SECOND, points=1), event(NOW + 300 * SECOND + 1, points=2)
    outcome = taken(event(state="Doing"), beyond, inside, beyond)
    assert outcome.anomalies == {"jira/acme": 1}
    assert outcome.due == {b"1": inside.time}
    later = taken(event(state="Doing"), beyond, inside, now=beyond.time)
    assert later.due == {}


def test_what_comes_due_is_folded_again_by_a_touch() -> None:
    first = taken(event(state="Doing", team="Cards"), event(NOW + DAY, state="Done"))
    batch = Batch(first.rows, ONE, NOW + DAY)  # type: ignore[arg-type]
    batch.touch(b"1")
    batch.touch(b"gone in the meantime")
    outcome = batch.close()
    (summary,) = summaries(outcome)
    assert summary is not None
    assert summary.state == "Done"
    assert (outcome.rows, outcome.counts, [sent.arrival for sent in outcome.summaries]) == ({}, {}, [0])


def test_an_event_older_than_retention_that_begins_an_item_is_late() -> None:
    edge = NOW - 400 * DAY
    assert taken(event(edge, state="Done")).late == 0
    first = taken(event(edge - 1, state="Done"))
    assert (first.late, first.counts) == (1, {("jira/acme", "applied"): 1})
    assert taken(event(edge - 2, state="Doing"), rows=first.rows).late == 0


def test_with_one_partition_rows_tell_of_nothing_but_their_events() -> None:
    row = taken(event(state="Doing", team="Cards")).rows[b"1"]
    assert row is not None
    assert decode_history(row).sent == 1


def test_a_summary_is_sent_to_the_partitions_of_its_owners_and_removed_from_the_others() -> None:
    payments, lending = FOUR.partition("Payments"), FOUR.partition("Lending")
    assert payments != lending
    first = taken(event(NOW - 3 * DAY, state="To Do", team="Cards"), by=FOUR)
    assert [(sent.partition, sent.value is None) for sent in first.summaries] == [(payments, False)]
    moved = taken(event(NOW - 2 * DAY, team="Credit"), rows=first.rows, by=FOUR)
    assert {sent.partition: sent.value is None for sent in moved.summaries} == {payments: True, lending: False}
    started = taken(event(NOW - DAY, state="Doing", team="Cards"), rows=moved.rows, by=FOUR)
    assert {sent.partition: sent.value is None for sent in started.summaries} == {payments: False, lending: True}
    back = taken(event(NOW, team="Credit"), rows=started.rows, by=FOUR)
    assert {sent.partition: sent.value is None for sent in back.summaries} == {payments: False, lending: False}


def test_an_item_of_the_portfolio_is_in_one_partition_and_where_it_began_and_ended() -> None:
    by = Derivation.of(configured(LEVELS), partitions=4)
    everything, lending = by.partition(""), by.partition("Lending")
    assert everything != lending
    first = taken(event(NOW - 3 * DAY, state="To Do", project="PORT"), by=by)
    assert [sent.partition for sent in first.summaries] == [everything]
    moved = taken(event(NOW - 2 * DAY, state="Doing", team="Credit"), rows=first.rows, by=by)
    assert {sent.partition: sent.value is None for sent in moved.summaries} == {everything: True, lending: False}
    back = taken(event(NOW - DAY, team=None), rows=moved.rows, by=by)
    assert {sent.partition: sent.value is None for sent in back.summaries} == {everything: False, lending: False}


def test_erasing_takes_the_item_out_everywhere_it_ever_was() -> None:
    first = taken(event(NOW - 3 * DAY, state="Doing", team="Cards"), event(NOW - 2 * DAY, team="Credit"), by=FOUR)
    erasure = Event("jira/acme", "e", NOW - DAY, "", EventType.ERASED, "1", {})
    outcome = taken(erasure, rows=first.rows, by=FOUR)
    assert {sent.partition for sent in outcome.summaries} == {sent.partition for sent in first.summaries}
    assert {sent.value for sent in outcome.summaries} == {None}
    row = outcome.rows[b"1"]
    assert row is not None
    assert b"Cards" not in row


def test_an_objective_has_a_row_and_a_summary_of_its_own() -> None:
    objective = Event("jira/acme", "o", NOW, "", EventType.OBJECTIVE, "1", {"pi": "2026.4", "team": "Cards"})
    outcome = taken(objective, event(state="Doing"))
    assert set(outcome.rows) == {row_key(objective), b"1"}
    assert row_key(objective) != row_key(event())
    assert [sent.key for sent in outcome.summaries] == [row_key(objective), b"1"]
    assert [sent.partition for sent in taken(objective, by=FOUR).summaries] == [FOUR.partition("Payments")]


def test_a_later_event_of_an_objective_goes_to_its_row() -> None:
    first, second = (
        Event("jira/acme", f"{number}", NOW - DAY + number, "", EventType.OBJECTIVE, "1", {"planned_value": number})
        for number in (1, 2)
    )
    row = taken(first).rows
    assert taken(second, rows=row).rows == taken(second, first).rows


def test_an_item_that_is_too_large_from_its_first_event_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_ROW_BYTES", 10)
    batch = Batch({}, ONE, NOW)
    batch.add_records([record({"item": "1", "state": "Doing"})], 0)
    outcome = batch.close()
    assert (outcome.rows, outcome.summaries, len(outcome.refusals)) == ({}, [], 1)


def test_the_derivation_is_another_for_another_configuration_clock_or_partitioning() -> None:
    config = configured()
    renamed = configured(FLOW.replace("Credit", "Loans"))
    limited = configured(FLOW.replace("team: Credit", "team: Credit, load_limit: 3"))
    names = [Derivation.of(config), Derivation.of(renamed), Derivation.of(config, "@event"), FOUR]
    assert len({derivation.name for derivation in names}) == 4
    assert Derivation.of(limited).name == ONE.name
    assert (ONE.retention, ONE.tolerance) == (400 * DAY, 300 * SECOND)


def test_what_was_the_future_when_a_batch_was_opened_is_known_when_time_has_passed() -> None:
    events = [event(state="Doing"), event(NOW + 3 * SECOND, points=1), event(NOW + 2 * SECOND, state="Done")]
    batch = Batch({}, ONE, NOW)
    for later, each in enumerate(events):
        batch.pass_until(NOW + later * SECOND)
        batch.add(each, NOW)
    # A clock that was set back makes nothing unknown again.
    batch.pass_until(NOW + 3 * SECOND)
    batch.pass_until(NOW)
    outcome, expected = batch.close(), taken(*events, now=NOW + 3 * SECOND)
    assert (outcome.rows, outcome.due) == (expected.rows, {})
    assert outcome.summaries == [sent._replace(arrival=NOW) for sent in expected.summaries]


def test_what_belongs_to_another_partition_is_sent_on_and_nothing_else_is_done_with_it() -> None:
    here, elsewhere = EventsPartition(partition_of(b"1", 4), 4), EventsPartition((partition_of(b"1", 4) + 1) % 4, 4)
    first, second = record({"item": "1", "state": "Doing"}), record({"item": "1", "points": 3}, name="2")
    batch = Batch({}, ONE, NOW, partition=elsewhere)
    batch.add_records([first, second, Row(b"1", b"{")], 0)
    outcome = batch.close()
    assert outcome.reroutes == [Reroute(first, here.partition), Reroute(second, here.partition)]
    assert outcome.counts == {("jira/acme", "rerouted"): 2, ("", "rejected"): 1}
    assert (outcome.rows, outcome.summaries, outcome.newest) == ({}, [], {})
    batch = Batch({}, ONE, NOW, partition=here)
    batch.add_records([one.record for one in outcome.reroutes], 0)
    taken = batch.close()
    assert (taken.reroutes, taken.counts) == ([], {("jira/acme", "applied"): 2})


def test_an_objective_belongs_where_the_key_of_its_record_says() -> None:
    data = {"objective": "1", "pi": "2026.4", "team": "Cards"}
    value = record(data).value
    assert value is not None
    objective = Row(b"1", value.replace(b"flow.item.changed", b"flow.objective.changed"))
    home = partition_of(b"1", 4)
    for partition in range(4):
        batch = Batch({}, ONE, NOW, partition=EventsPartition(partition, 4))
        batch.add_records([objective], 0)
        outcome = batch.close()
        assert outcome.reroutes == ([] if partition == home else [Reroute(objective, home)])
        assert len(outcome.rows) == (1 if partition == home else 0)


def test_where_an_item_belongs_is_asked_when_it_is_opened_and_not_for_each_event() -> None:
    asked: list[bytes] = []

    class Counted(EventsPartition):
        """Notes what it is asked."""

        def elsewhere(self, key: bytes) -> int | None:
            asked.append(key)
            return super().elsewhere(key)

    place, rows = Counted(partition_of(b"1", 4), 4), dict[bytes, bytes]()
    for day in (3, 2):
        batch = Batch(rows, ONE, NOW, partition=place)
        for second in range(5):
            assert batch.add(event(NOW - day * DAY + second, state="Doing"), NOW) is None
        rows.update({key: row for key, row in batch.close().rows.items() if row is not None})
    assert asked == [b"1", b"1"]


def test_what_can_not_be_written_again_is_refused() -> None:
    place = EventsPartition((partition_of(b"1", 4) + 1) % 4, 4)
    fits, none = [("trace", b"x" * (MAX_EVENT_BYTES - 5))], [("null", None)]
    rows = [record({"item": "1"}, headers=headers) for headers in (fits, [*fits, ("y", b"")], none)]
    batch = Batch({}, ONE, NOW, partition=place)
    batch.add_records(rows, 0)
    outcome = batch.close()
    assert [one.record for one in outcome.reroutes] == [rows[0], rows[2]]
    assert [refusal.rejection.reason.value for refusal in outcome.refusals] == ["too_large"]
    assert outcome.counts == {("jira/acme", "rerouted"): 2, ("jira/acme", "rejected"): 1}
