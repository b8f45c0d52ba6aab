"""What comes in order is appended: the row and the summary are those of the whole history."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.items import tail as module
from stream.items import tracker
from stream.items.tail import Tail
from stream.items.tracker import Batch, Derivation, Outcome
from tests.items.material import NOW, configured

ONE = Derivation.of(configured())
STATES = ("To Do", "Doing", "Ready", "Done", None)


def event(number: int, time: int, kind: EventType = EventType.CHANGED, **changes: Any) -> Event:
    return Event("jira/acme", f"e{number}", time, "", kind, "1", changes)


def taken(batches: list[list[Event]], *, remembering: bool) -> tuple[dict[bytes, bytes | None], Outcome]:
    """Take batches through, each item's tail remembered from one to the next, or each batch with none."""
    rows: dict[bytes, Any] = {}
    tails: dict[bytes, Tail] = {}
    outcome = Outcome()
    for events in batches:
        batch = Batch(rows, ONE, NOW, tails=tails if remembering else None)
        for one in events:
            batch.take(one, NOW)
        outcome = batch.close()
        rows.update(outcome.rows)
    return rows, outcome


@st.composite
def days(draw: st.DrawFn) -> list[list[Event]]:
    """Draw batches of an item's events: mostly in order, some late, doubled, in the future, deletions and erasures."""
    count = draw(st.integers(1, 12))
    events = []
    for number in range(count):
        time = NOW - (count - number) * DAY + draw(st.sampled_from([0, 0, 0, -3 * DAY, 40 * DAY]))
        kind = draw(st.sampled_from([EventType.CHANGED] * 6 + [EventType.DELETED, EventType.ERASED]))
        changes = {"state": draw(st.sampled_from(STATES)), "blocked": draw(st.booleans()), "team": "Cards"}
        events.append(event(draw(st.sampled_from([number, number, number, 0])), time, kind, **changes))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, count - 1)))))
    return [events[low:high] for low, high in zip([0, *cuts], [*cuts, count], strict=True)]


@given(days())
def test_remembering_changes_nothing(batches: list[list[Event]]) -> None:
    with_tails, last = taken(batches, remembering=True)
    without, other = taken(batches, remembering=False)
    assert with_tails == without
    assert (last.summaries, last.counts, last.due) == (other.summaries, other.counts, other.due)


def test_an_id_that_stands_there_as_another_text_is_taken_all_the_same() -> None:
    batches = [[event(1, NOW - 3 * DAY, state="e2")], [event(2, NOW - 2 * DAY, state="Doing")], [event(3, NOW)]]
    rows, outcome = taken(batches, remembering=True)
    assert rows == taken(batches, remembering=False)[0]
    assert outcome.counts == {("jira/acme", "applied"): 1}


def test_a_row_that_somebody_else_has_written_is_read_anew() -> None:
    tails: dict[bytes, Tail] = {}
    first, second, third = (event(number, NOW - (9 - number) * DAY, state="Doing") for number in range(3))
    batch = Batch({}, ONE, NOW, tails=tails)
    batch.take(first, NOW)
    assert batch.close().rows.keys() == tails.keys() == {b"1"}
    others, _ = taken([[first, second]], remembering=False)
    rows: dict[bytes, Any] = dict(others)
    batch = Batch(rows, ONE, NOW, tails=tails)
    batch.take(third, NOW)
    assert batch.close().rows == taken([[first, second, third]], remembering=False)[0]


def test_what_lies_in_the_future_is_left_to_the_history() -> None:
    batches = [
        [event(1, NOW - DAY, state="Doing")],
        [event(2, NOW + DAY, state="Done")],
        [event(3, NOW, state="Ready")],
    ]
    (rows, outcome), (expected, other) = taken(batches, remembering=True), taken(batches, remembering=False)
    assert (rows, outcome.summaries, outcome.due) == (expected, other.summaries, other.due)
    assert outcome.due == {b"1": NOW + DAY}


def test_limits_are_those_of_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1)
    batches = [[event(number, NOW - (9 - number) * DAY, state="Doing")] for number in range(3)]
    assert taken(batches, remembering=True)[0] == taken(batches, remembering=False)[0]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "MAX_TAILS", 2)
    tails: dict[bytes, Tail] = {}
    batch = Batch({}, ONE, NOW, tails=tails)
    for item in range(5):
        batch.take(Event("jira/acme", f"e{item}", NOW, "", EventType.CHANGED, str(item), {"state": "Doing"}), NOW)
    assert len(batch.close().rows) == 5
    assert list(tails) == [b"4"]
