"""Events in order are appended: the row and the summary are those of the whole history."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.events.rejection import Rejection
from stream.items import history
from stream.items.derivation import Derivation
from stream.items.fold import fold
from stream.items.history import decode_history, new_history
from stream.items.outcome import Outcome
from stream.items.summary import Summary
from stream.items.tracker import Batch
from tests.items.material import LEVELS, NOW, configured
from tests.items.whole import read_whole

ONE = Derivation.of(configured(LEVELS))
STATES = ("To Do", "Doing", "Ready", "Done", None)
ATTRIBUTES = {
    "points": st.sampled_from([1, 1.0, None]),
    "item_type": st.sampled_from(["Story", "Feature", "Task"]),
    "project": st.sampled_from(["PORT", "CHECKOUT"]),
    "key": st.sampled_from(["PAY-1", None]),
    "parent": st.just("7"),
}


def event(number: int, time: int, kind: EventType = EventType.CHANGED, **changes: Any) -> Event:
    return Event("jira/acme", f"jira:{number}", time, "", kind, "1", changes)


def taken(batches: list[list[Event]]) -> tuple[dict[bytes, bytes | None], Outcome]:
    """Process batches, one after the other."""
    rows: dict[bytes, Any] = {}
    outcome = Outcome()
    for events in batches:
        batch = Batch(rows, ONE, NOW)
        for one in events:
            batch.add(one, NOW)
        outcome = batch.close()
        rows.update(outcome.rows)
    return rows, outcome


@st.composite
def days(draw: st.DrawFn) -> list[list[Event]]:
    """Draw batches of an item's events: mostly in order, others late, duplicate, future, deletions or erasures."""
    count = draw(st.integers(1, 12))
    events = []
    for number in range(count):
        time = NOW - (count - number) * DAY + draw(st.sampled_from([0, 0, 0, -3 * DAY, 40 * DAY]))
        kind = draw(st.sampled_from([EventType.CHANGED] * 6 + [EventType.DELETED, EventType.ERASED]))
        changes = {"state": draw(st.sampled_from(STATES)), "blocked": draw(st.booleans())}
        changes |= draw(st.fixed_dictionaries({"team": st.sampled_from(["Cards", "Wallets"])}, optional=ATTRIBUTES))
        events.append(event(draw(st.sampled_from([number, number, number, 0])), time, kind, **changes))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, count - 1)))))
    return [events[low:high] for low, high in zip([0, *cuts], [*cuts, count], strict=True)]


def by_history(batches: list[list[Event]]) -> tuple[dict[bytes, bytes | None], Summary | None]:
    """Process batches as if nothing ever came in order: events are inserted, each row written and folded again."""
    row, summary = None, None
    for events in batches:
        kept = new_history() if row is None else decode_history(row)
        for one in events:
            kept.add(one, NOW)
        kept.forget_if_erased(NOW)
        kept.sent = 1
        row, summary = kept.encode(), fold("1", kept.entries, ONE.rules, NOW)
    return {b"1": row}, summary


@settings(deadline=None)
@given(days())
def test_rows_and_summaries_are_those_of_the_history(batches: list[list[Event]]) -> None:
    batches = [events for events in batches if events]
    rows, outcome = taken(batches)
    expected, summary = by_history(batches)
    assert rows == expected
    (sent,) = outcome.summaries
    assert (sent.value and read_whole(sent.value, ONE.name)) == summary


@settings(deadline=None)
@given(days(), st.sampled_from([0, DAY, 20 * DAY]))
def test_a_batch_that_is_kept_open_while_time_passes_comes_to_the_same(batches: list[list[Event]], step: int) -> None:
    batch = Batch({}, ONE, NOW - len(batches) * step)
    for number, events in enumerate(batches):
        batch.pass_until(NOW - (len(batches) - number) * step)
        for one in events:
            batch.add(one, NOW)
    batch.pass_until(NOW)
    outcome = batch.close()
    rows, expected = taken([[one for events in batches for one in events]])
    assert (outcome.rows, outcome.summaries) == (rows, expected.summaries)
    assert (outcome.due, outcome.counts) == (expected.due, expected.counts)


def test_an_id_whose_text_is_elsewhere_in_the_row_is_accepted() -> None:
    batches = [[event(1, NOW - 3 * DAY, state="jira:2")], [event(2, NOW - 2 * DAY, state="Doing")], [event(3, NOW)]]
    rows, outcome = taken(batches)
    assert rows == by_history(batches)[0]
    assert outcome.counts == {("jira/acme", "applied"): 1}


def test_what_lies_in_the_future_is_left_to_the_history() -> None:
    batches = [
        [event(1, NOW - DAY, state="Doing")],
        [event(2, NOW + DAY, state="Done")],
        [event(3, NOW, state="Ready")],
    ]
    rows, outcome = taken(batches)
    assert rows == by_history(batches)[0]
    assert outcome.due == {b"1": NOW + DAY}


@pytest.mark.parametrize(("limit", "to"), [("MAX_EVENTS", 2), ("MAX_ROW_BYTES", 250)])
def test_limits_are_those_of_the_history(monkeypatch: pytest.MonkeyPatch, limit: str, to: int) -> None:
    monkeypatch.setattr(history, limit, to)
    batch = Batch({}, ONE, NOW)
    for number in range(2):
        batch.add(event(number, NOW - (9 - number) * DAY, state="Doing", team="Cards"), NOW)
    with pytest.raises(Rejection, match="the item has 2 events"):
        batch.add(event(3, NOW - DAY, state="Done", team="Cards" * 20), NOW)
    outcome = batch.close()
    assert outcome.counts == {("jira/acme", "applied"): 2}
    row = outcome.rows[b"1"]
    assert row is not None
    assert len(decode_history(row).entries) == 2


def test_a_duplicate_of_what_was_appended_a_moment_ago_keeps_its_arrival() -> None:
    batch = Batch({}, ONE, NOW)
    batch.add(event(1, NOW - DAY, state="Doing"), NOW)
    batch.add(event(1, NOW - DAY, state="Doing"), NOW - 5)
    outcome = batch.close()
    assert [sent.arrival for sent in outcome.summaries] == [NOW]
    assert outcome.counts == {("jira/acme", "applied"): 1, ("jira/acme", "duplicate"): 1}
