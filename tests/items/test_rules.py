"""Owner, workflow and flow item type of attributes."""

from __future__ import annotations

import pytest

from stream.items import rules as module
from stream.items.rules import Rules
from stream.items.summary import UNASSIGNED, FlowState, Team
from tests.items.material import configured

CARDS = Team("Payments", "Checkout", "Cards")
WALLETS = Team("Payments", "Checkout", "Wallets")

FLOW = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        teams:
          - {team: Cards, owns: [{project: PAY, component: cards}, {labels: [card, scheme]}]}
          - {team: Wallets}
workflows:
  - name: bugs
    applies_to: {item_type: Bug}
    on_return: reset
    states: {active: [Triage], done: [Closed]}
  - name: stories
    applies_to: {source: jira/acme}
    states: {new: [Triage], waiting: [Ready], done: [Done], cancelled: [Closed]}
item_types:
  feature: [Story, Feature]
  nothing: ["None", ""]
"""


def test_the_first_team_of_which_any_rule_matches_owns() -> None:
    rules = Rules(configured(FLOW))
    assert rules.owner({"project": "PAY", "component": "cards", "team": "Wallets"}) == CARDS
    assert rules.owner({"labels": ["x", "scheme"]}) == CARDS
    assert rules.owner({"project": "PAY", "team": "Wallets"}) == WALLETS
    assert rules.owner({"team": "Cards"}) == UNASSIGNED
    assert rules.owner({}) == UNASSIGNED


def test_the_first_workflow_that_applies_says_what_a_state_is() -> None:
    rules = Rules(configured(FLOW))
    bugs = rules.workflow({"item_type": "Bug", "source": "jira/acme"})
    stories = rules.workflow({"item_type": "Story", "source": "jira/acme"})
    assert bugs is not None
    assert stories is not None
    assert (bugs.resets_on_return, stories.resets_on_return) == (True, False)
    states = ("Triage", "Ready", "Done", "Closed", "Limbo")
    assert [bugs.flow_state(state).value for state in states] == ["active", "unmapped", "unmapped", "done", "unmapped"]
    expected = [FlowState.NEW, FlowState.WAITING, FlowState.DONE, FlowState.CANCELLED, FlowState.UNMAPPED]
    assert [stories.flow_state(state) for state in states] == expected
    assert rules.workflow({"item_type": "Story", "source": "elsewhere"}) is None


def test_types_of_the_tracker_are_flow_item_types_and_the_rest_is_other() -> None:
    rules = Rules(configured(FLOW))
    assert [rules.item_type({"item_type": name}) for name in ("Story", "Feature", "Bug")] == ["feature"] * 2 + ["other"]


def test_an_item_without_a_type_is_other_whatever_types_are_called() -> None:
    rules = Rules(configured(FLOW))
    assert rules.item_type({}) == rules.item_type({"item_type": None}) == "other"
    assert rules.item_type({"item_type": "None"}) == rules.item_type({"item_type": ""}) == "nothing"


def test_answers_are_the_same_when_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    rules = Rules(configured(FLOW))
    asked = [{"team": f"{number}"} for number in range(5)] + [{"team": "Wallets"}, {"team": "0"}]
    assert [rules.owner(attributes) for attributes in asked] == [UNASSIGNED] * 5 + [WALLETS, UNASSIGNED]
    assert len(rules._owner_of) <= 2
