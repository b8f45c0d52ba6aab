"""A full item refuses events from what is remembered of it, with the same results as without that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.event import DAY, Event, EventType
from stream.events.rejection import Rejection
from stream.items import full, history
from stream.items.derivation import Derivation
from stream.items.full import FullItems
from stream.items.history import History, decode_history
from stream.items.outcome import Outcome
from stream.items.tracker import Batch
from tests.items.material import NOW, configured

ONE = Derivation.of(configured())
LIMIT = 6


class Forgetful(FullItems):
    """Remembers nothing."""

    def remember(self, key: bytes, history: History, stored: bytes) -> None:
        pass


class Table(dict[bytes, bytes]):
    """Rows that count how often they are read."""

    reads = 0

    def get(self, key: bytes, default: Any = None) -> Any:
        self.reads += 1
        return super().get(key, default)

    def stored(self, key: bytes) -> bytes | None:
        return super().get(key)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_EVENTS", LIMIT)
    monkeypatch.setattr(history, "MAX_ROW_BYTES", 600)


def event(number: int, time: int, kind: EventType = EventType.CHANGED, **changes: Any) -> Event:
    return Event("jira/acme", f"jira:{number}", time, "", kind, "1", changes)


class Tracked:
    """An item's partition, batch after batch."""

    def __init__(self, full: FullItems) -> None:
        self.rows = Table()
        self.full = full

    def add(self, *events: Event) -> tuple[Outcome, list[Event]]:
        """Process a batch; give its outcome, and the events that were refused."""
        batch, refused = Batch(self.rows, ONE, NOW, full=self.full), []
        for one in events:
            try:
                batch.add(one, NOW)
            except Rejection as rejection:
                assert rejection.source == one.source
                refused.append(one)
        outcome = batch.close()
        for key, row in outcome.rows.items():
            assert row is not None
            self.rows[key] = row
        return outcome, refused

    @property
    def entries(self) -> int:
        return len(decode_history(self.rows[b"1"]).entries)


def full_item() -> Tracked:
    made = Tracked(FullItems())
    made.add(*[event(n, NOW - (90 - n) * DAY, state="Doing", points=n) for n in range(LIMIT)])
    made.add(event(50, NOW - DAY, state="Ready"))
    return made


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    """Draw batches of an item: in order, late, in the future, doubled, of other contents, large and small, erasures."""
    count = draw(st.integers(1, 20))
    events = []
    for number in range(count):
        name = draw(st.sampled_from([number, number, number, draw(st.integers(0, number))]))
        time = NOW - (count - number) * DAY + draw(st.sampled_from([0, 0, 0, 0, -50 * DAY, 40 * DAY]))
        kind = draw(st.sampled_from([EventType.CHANGED] * 9 + [EventType.DELETED, EventType.ERASED]))
        changes = {"state": draw(st.sampled_from(["To Do", "Doing", "Done"])), "team": "Cards"}
        changes |= draw(st.sampled_from([{}, {}, {"note": "n" * 150}]))
        events.append(event(name, time, kind, **({} if kind is EventType.ERASED else changes)))
    size = draw(st.integers(1, 4))
    return [events[first : first + size] for first in range(0, count, size)]


@given(batches())
def test_remembering_changes_no_row_no_count_and_no_refusal(drawn: list[list[Event]]) -> None:
    remembering, forgetful = Tracked(FullItems()), Tracked(Forgetful())
    for events in drawn:
        mine, refused = remembering.add(*events)
        others, refused_too = forgetful.add(*events)
        assert refused == refused_too
        assert mine == others
        assert remembering.rows == forgetful.rows


@given(batches())
def test_what_was_only_refused_is_written_no_more(drawn: list[list[Event]]) -> None:
    made = Tracked(FullItems())
    for events in drawn:
        outcome, refused = made.add(*events)
        only_refused = len(refused) == len(events)
        assert bool(outcome.summaries) == (not only_refused)
        assert not (only_refused and (outcome.rows or outcome.due))


@pytest.mark.parametrize("time", [NOW, NOW - 500 * DAY, NOW - 85 * DAY, NOW + 20 * DAY])
def test_a_new_event_is_refused_without_looking_at_the_row(time: int) -> None:
    made = full_item()
    before = made.rows.reads
    for number in range(100, 130):
        outcome, refused = made.add(event(number, time, state="Done"))
        assert (len(refused), outcome.rows, outcome.summaries) == (1, {}, [])
    assert made.rows.reads == before


def test_many_in_one_batch_cost_one_look() -> None:
    made = full_item()
    made.full, before = FullItems(), made.rows.reads
    outcome, refused = made.add(*[event(number, NOW, state="Done") for number in range(100, 200)])
    assert (len(refused), outcome.summaries) == (100, [])
    assert made.rows.reads == before + 1


def test_a_duplicate_stays_one_and_repeats_its_output() -> None:
    made = full_item()
    outcome, refused = made.add(event(3, NOW - 87 * DAY, state="Doing", points=3))
    assert (refused, outcome.counts, outcome.rows) == ([], {("jira/acme", "duplicate"): 1}, {})
    assert [sent.key for sent in outcome.summaries] == [b"1"]
    # An earlier event with the same name and another content replaces it.
    outcome, refused = made.add(event(3, NOW - 88 * DAY, state="To Do"))
    assert (refused, list(outcome.rows)) == ([], [b"1"])
    assert made.add(event(60, NOW, state="Done"))[1] != []


def test_the_first_erasure_gets_in_and_makes_room() -> None:
    made = full_item()
    assert made.add(event(99, NOW - DAY, EventType.ERASED))[1] == []
    assert made.entries == 1
    assert made.add(event(100, NOW, state="Doing"))[1] == []


def test_a_second_erasure_that_is_still_to_come_is_refused_from_what_is_remembered() -> None:
    made = full_item()
    assert made.add(event(99, NOW + DAY, EventType.ERASED))[1] == []
    assert len(made.add(event(100, NOW, state="Done"))[1]) == 1
    before = made.rows.reads
    assert len(made.add(event(101, NOW + DAY, EventType.ERASED))[1]) == 1
    assert made.rows.reads == before


@pytest.mark.parametrize("changed", [True, False])
def test_what_is_remembered_holds_only_while_the_row_is_what_it_was(*, changed: bool) -> None:
    made = full_item()
    row = made.rows[b"1"]
    other = Tracked(FullItems())
    other.add(event(1, NOW - DAY, state="Doing"))
    # Compressed meanwhile, or read again, it is another object.
    made.rows[b"1"] = other.rows[b"1"] if changed else bytes(bytearray(row))
    before = made.rows.reads
    assert (made.add(event(100, NOW, state="Done"))[1] == []) == changed
    assert made.rows.reads > before
    again = made.rows.reads
    made.add(event(101, NOW, state="Done"))
    assert changed or made.rows.reads == again


def test_an_item_that_was_forgotten_begins_again() -> None:
    made = full_item()
    made.rows.clear()
    assert made.add(event(100, NOW, state="Doing"))[1] == []
    assert made.entries == 1


def test_the_number_of_remembered_items_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "MAX_FULL", 2)
    remembered, kept = FullItems(), decode_history(full_item().rows[b"1"])
    rows = {key: bytes([number]) for number, key in enumerate((b"a", b"b", b"c"))}
    for key in (b"a", b"b"):
        remembered.remember(key, kept, rows[key])
    with pytest.raises(Rejection, match="6 events"):
        remembered.check(b"a", rows[b"a"], event(100, NOW, state="Done"))
    remembered.remember(b"c", kept, rows[b"c"])
    assert [key in remembered for key in (b"a", b"b", b"c")] == [True, False, True]
