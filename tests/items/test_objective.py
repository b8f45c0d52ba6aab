"""The fold of a PI objective."""

from __future__ import annotations

from typing import Any

from stream.config.loading import parse_config
from stream.events.event import DAY, EventType
from stream.items.codec import decode_counted, encode_summary
from stream.items.objective import Objective, fold_objective
from stream.items.row import Entry
from stream.items.rules import Rules
from stream.items.summary import UNASSIGNED, Owner

TEXT = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - {art: Checkout, teams: [{team: Cards, owns: [{project: PAY}]}]}
      - {art: Refunds, teams: [{team: Cards, owns: [{project: REF}]}]}
  - value_stream: Lending
    arts: [{art: Loans, teams: [{team: Credit}]}]
workflows: [{name: all, states: {active: [Doing]}}]
"""
RULES = Rules(parse_config(TEXT, "flow.yaml"))
CARDS = Owner("Payments", "Checkout", "Cards")


def entry(day: int, **changes: Any) -> Entry:
    return Entry(day * DAY, "", str(day), "jira/acme", EventType.OBJECTIVE, changes)


def folded(*entries: Entry, day: int = 99) -> Objective | None:
    return fold_objective("o", entries, RULES, day * DAY)


def test_fields_take_their_values_at_their_times() -> None:
    history = (
        entry(1, pi="2026.4", team="Cards", planned_value=8),
        entry(2, planned_value=10, committed=False),
        entry(3, actual_value=7.5),
    )
    assert folded(*history, day=0) is None
    assert folded(*history, day=1) == Objective("o", "jira/acme", CARDS, "2026.4", True, 8_000_000, None)  # noqa: FBT003
    assert folded(*history) == Objective("o", "jira/acme", CARDS, "2026.4", False, 10_000_000, 7_500_000)  # noqa: FBT003


def test_a_value_beyond_the_limit_which_a_former_release_took_is_the_limit() -> None:
    found = folded(entry(1, planned_value=1e305, actual_value=10**15))
    assert found is not None
    assert (found.planned, found.actual) == (10**15, 10**15)
    assert decode_counted(encode_summary(found, "d"), "d") == found


def test_null_takes_a_value_away() -> None:
    found = folded(entry(1, planned_value=8, actual_value=0, committed=True), entry(2, planned_value=None))
    assert found is not None
    assert (found.planned, found.actual, found.pi, found.owner) == (0, 0, None, UNASSIGNED)
    found = folded(entry(1, actual_value=3), entry(2, actual_value=None))
    assert found is not None
    assert found.actual is None


def test_the_owner_is_the_first_team_of_that_name_unless_the_event_says_more() -> None:
    assert RULES.team_named("Cards") == CARDS
    assert RULES.team_named("Cards", "Refunds") == Owner("Payments", "Refunds", "Cards")
    assert RULES.team_named("Credit", None, "Lending") == Owner("Lending", "Loans", "Credit")
    assert RULES.team_named("Credit", None, "Payments") == UNASSIGNED
    assert RULES.team_named("Nobody") == RULES.team_named(None) == UNASSIGNED


def test_what_is_written_is_read_and_only_under_its_own_derivation() -> None:
    found = folded(entry(1, pi="2026.4", planned_value=0.1))
    assert found is not None
    assert decode_counted(encode_summary(found, "d"), "d") == found
    assert decode_counted(encode_summary(found, "d"), "other") is None
