"""The engine in one process."""

from __future__ import annotations

import pytest

from stream.events.event import DAY, Event, EventType
from stream.flow.replay import Replay
from stream.items import history
from tests.flow.material import LEVELS, PORTFOLIO, configured


def event(name: str, kind: EventType = EventType.CHANGED, item: str = "1", **changes: object) -> Event:
    return Event("jira/acme", name, DAY, name, kind, item, {"team": "Cards", **changes})


def test_an_empty_log_shows_every_configured_node_at_zero() -> None:
    rows = Replay(configured(), DAY).read()
    assert len(rows) == 8
    assert {(row.load, row.windows["7d"].finished.velocity.total()) for row in rows} == {(0, 0)}
    assert rows[-1].node == PORTFOLIO


def test_reading_twice_gives_the_same() -> None:
    replay = Replay(configured(), 2 * DAY)
    replay.add([event("a", state="Doing")])
    replay.add([event("b", state="Done")])
    assert replay.read() == replay.read()
    assert [row.states for row in replay.read() if row.node == PORTFOLIO] == [{"Done": 1}]


def test_events_may_be_added_after_a_reading() -> None:
    replay = Replay(configured(), 2 * DAY)
    replay.add([event("a", state="Doing"), event("b", item="2", state="Doing")])
    assert [row.load for row in replay.read() if row.node == PORTFOLIO] == [2]
    replay.add([event("c", state="Done"), event("d", EventType.ERASED, item="2")])
    assert [row.states for row in replay.read() if row.node == PORTFOLIO] == [{"Done": 1}]
    assert replay.items().keys() == {"1"}


def test_items_are_given_by_their_ids_and_unplaced_ones_are_counted() -> None:
    replay = Replay(configured(LEVELS), 2 * DAY)
    replay.add([event("a", item="1", item_type="Story", state="Doing"), event("b", item="2", state="Doing")])
    replay.add([event("c", item="1", kind=EventType.OBJECTIVE, pi="a"), event("d", item="3", item_type="Task")])
    backlogs = {name: summary.backlog for name, summary in replay.items().items()}
    assert backlogs == {"1": "stories", "2": None, "3": None}
    assert replay.unplaced() == {("jira/acme", "other"): 2}


def test_an_erased_item_is_in_no_number() -> None:
    replay = Replay(configured(), 2 * DAY)
    replay.add([event("a", state="Doing"), event("b", EventType.ERASED)])
    assert replay.read() == Replay(configured(), 2 * DAY).read()


def test_events_beyond_the_limits_of_a_history_are_counted_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_EVENTS", 1)
    replay = Replay(configured(), 2 * DAY)
    replay.add([event("a", state="Doing"), event("b", state="Done"), event("c", state="Doing")])
    assert replay.refused == {"history_full": 2}
    assert [row.load for row in replay.read() if row.node == PORTFOLIO] == [1]
