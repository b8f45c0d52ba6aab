"""The engine in one process."""

from __future__ import annotations

import pytest

from stream.events.event import DAY, Event, EventType
from stream.flow.nodes import PORTFOLIO
from stream.flow.replay import Replay
from stream.items import history
from tests.flow.material import configured


def event(name: str, kind: EventType = EventType.CHANGED, **changes: object) -> Event:
    return Event("jira/acme", name, DAY, name, kind, "1", {"team": "Cards", **changes})


def test_an_empty_log_shows_every_configured_node_at_zero() -> None:
    rows = Replay(configured(), DAY).read()
    assert len(rows) == 8
    assert {(row.load, row.windows["7d"].finished.velocity.total()) for row in rows} == {(0, 0)}
    assert rows[-1].node == PORTFOLIO


def test_reading_in_between_changes_nothing() -> None:
    replay = Replay(configured(), 2 * DAY)
    replay.add([event("a", state="Doing")])
    assert [row.load for row in replay.read() if row.node == PORTFOLIO] == [1]
    replay.add([event("b", state="Done")])
    assert replay.read() == replay.read()
    assert [row.load for row in replay.read() if row.node == PORTFOLIO] == [0]


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
