"""The fold, where the stories of `tests/examples` do not show a summary's fields."""

from __future__ import annotations

from typing import Any

import pytest

from stream.events.event import DAY, EventType
from stream.events.limits import MAX_NAME
from stream.items.fold import fold
from stream.items.row import Entry
from stream.items.rules import Rules
from stream.items.summary import UNASSIGNED, FlowState, Owner, Spell, Stamp, Summary
from tests.items.material import configured, entry

CARDS = Owner("Payments", "Checkout", "Cards")
RULES = Rules(configured())


def folded(*entries: Entry, now: int = 100) -> Summary:
    summary = fold("1", entries, RULES, now * DAY)
    assert summary is not None
    return summary


def test_a_finished_item_as_a_summary() -> None:
    summary = folded(
        entry(1, state="To Do", team="Cards", item_type="Story", key="PAY-1", parent="7"),
        entry(2, state="Doing", points=3),
        entry(4, state="Ready"),
        entry(5, state="Done", item_type="Bug", points=5),
        entry(6, team="Wallets", key="PAY-2", points=0.5),
    )
    assert summary == Summary(
        item="1",
        source="jira/acme",
        owner=Owner("Payments", "Checkout", "Wallets"),
        item_type="other",
        state="Done",
        flow_state=FlowState.DONE,
        backlog="all",
        key="PAY-2",
        parent="7",
        points=500_000,
        state_since=5 * DAY,
        start=Stamp(2 * DAY, CARDS, "feature", "all"),
        finish=Stamp(5 * DAY, CARDS, "other", "all", 5_000_000),
        active=2 * DAY,
        stays={"Doing": 2 * DAY, "Ready": DAY},
        left_at={"Doing": 2 * DAY, "Ready": 3 * DAY},
        spells=(Spell(2 * DAY, 5 * DAY, CARDS, "all"),),
    )
    assert not summary.in_load


def test_nothing_known_is_no_summary() -> None:
    assert fold("1", [], RULES, 100 * DAY) is None
    assert fold("1", [entry(2, state="Doing")], RULES, DAY) is None


def test_an_event_counts_from_its_very_microsecond() -> None:
    entries = [entry(2, state="Doing")]
    assert fold("1", entries, RULES, 2 * DAY - 1) is None
    assert folded(*entries, now=2).in_load


def test_erased_is_no_summary_even_if_events_follow() -> None:
    entries = [entry(1, state="Doing"), entry(2, EventType.ERASED), entry(3, state="Doing")]
    assert fold("1", entries, RULES, 100 * DAY) is None
    assert folded(*entries, now=1).in_load


def test_an_item_in_progress_has_no_active_time_yet() -> None:
    summary = folded(entry(1, state="Doing"), entry(5, state="Ready"))
    assert (summary.active, summary.finish) == (0, None)
    assert summary.in_load


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("PAY-1", "PAY-1"),
        (7, "7"),
        (True, "true"),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
        ("x" * 999, "x" * MAX_NAME),
    ],
)
def test_key_and_parent_are_texts_that_fit_into_a_record(value: object, shown: str | None) -> None:
    summary = folded(entry(1, state="Doing", key=value, parent=value))
    assert (summary.key, summary.parent) == (shown, shown)


def test_the_source_is_that_of_the_last_event_and_an_attribute_of_rules() -> None:
    summary = folded(entry(1, state="Doing"), entry(2, points=3)._replace(source="github/acme"))
    assert summary.source == "github/acme"


def test_a_state_of_null_is_no_state() -> None:
    summary = folded(entry(1, state="Doing"), entry(2, state=None), entry(3, state="Done"))
    assert summary.stays == {"Doing": DAY}
    assert (folded(entry(1, state=None)).state, folded(entry(1, state=None)).flow_state) == (None, None)


def test_a_change_of_workflow_can_change_the_flow_state_without_a_change_of_state() -> None:
    flow = """\
version: 1
organisation: [{value_stream: V, arts: [{art: A, teams: [{team: T}]}]}]
workflows:
  - {name: bugs, applies_to: {item_type: Bug}, states: {active: [Doing], done: [Review]}}
  - {name: rest, applies_to: {item_type: Story}, states: {active: [Doing, Review], done: [Done]}}
"""
    rules = Rules(configured(flow))
    entries = [entry(1, state="Review", item_type="Story"), entry(3, item_type="Bug"), entry(4, item_type="Epic")]
    at_three, at_four = fold("1", entries, rules, 3 * DAY), fold("1", entries, rules, 4 * DAY)
    assert at_three is not None
    assert at_four is not None
    assert at_three.finish == Stamp(3 * DAY, UNASSIGNED, "other", "all")
    assert (at_four.flow_state, at_four.finish) == (FlowState.UNMAPPED, None)


RESETS = Rules(
    configured(
        """\
version: 1
organisation: [{value_stream: V, arts: [{art: A, teams: [{team: T}]}]}]
workflows: [{name: w, on_return: reset, states: {new: [To Do, Next], active: [Doing], done: [Done]}}]
"""
    )
)


def test_a_reset_takes_the_lower_bound_away_with_the_start() -> None:
    first, back, again = entry(1, state="Doing"), entry(3, state="To Do"), entry(5, state="Doing")
    summaries = [fold("1", [first, back, again], RESETS, day * DAY) for day in (1, 3, 5)]
    known = [(s.start.time // DAY if s.start else None, s.start_is_lower_bound) for s in summaries if s is not None]
    assert known == [(1, True), (None, False), (5, False)]


def test_from_new_to_new_is_no_return() -> None:
    entries = [entry(1, state="To Do"), entry(2, state="Next"), entry(3, state="Doing")]
    summary = fold("1", entries, RESETS, 9 * DAY)
    assert summary is not None
    assert summary.start is not None
    assert summary.start.time == 3 * DAY


def test_a_change_to_a_workflow_that_resets_is_no_return_for_what_is_already_new() -> None:
    flow = """\
version: 1
organisation: [{value_stream: V, arts: [{art: A, teams: [{team: T}]}]}]
workflows:
  - {name: bugs, applies_to: {item_type: Bug}, on_return: reset, states: {new: [To Do], active: [Doing]}}
  - {name: rest, states: {new: [To Do], active: [Doing]}}
"""
    entries = [entry(1, state="Doing"), entry(2, state="To Do"), entry(3, item_type="Bug"), entry(4, state="Doing")]
    summary = fold("1", entries, Rules(configured(flow)), 9 * DAY)
    assert summary is not None
    assert summary.start is not None
    assert summary.start.time == DAY


@pytest.mark.parametrize(
    ("first", "bound"),
    [
        ({"state": "Doing"}, True),
        ({"state": "Doing", "previous_state": "To Do"}, False),
        ({"state": "Doing", "previous_state": "Ready"}, True),
        ({"state": "Doing", "previous_state": "Limbo"}, False),
        ({"previous_state": "Doing"}, True),
    ],
)
def test_when_an_age_is_a_lower_bound(first: dict[str, Any], bound: bool) -> None:
    assert folded(entry(1, **first)).start_is_lower_bound is bound


def test_an_item_first_seen_by_its_deletion_is_nowhere() -> None:
    summary = folded(entry(1, EventType.DELETED, state="Doing", previous_state="To Do", team="Cards"))
    assert (summary.deleted, summary.state, summary.start, summary.in_load) == (True, None, None, False)
