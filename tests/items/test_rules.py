"""Owner, workflow and flow item type of attributes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.config.loading import parse_config
from stream.config.mistake import Mistakes
from stream.items import rules as module
from stream.items.matching import matches
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


NAMES = ["A", "B", "C", "1"]
RULES = st.one_of(
    st.just([]),
    st.lists(
        st.dictionaries(st.sampled_from(["team", "project"]), st.sampled_from(NAMES), min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
)
VALUES = st.sampled_from([None, *NAMES, 1, True, ["B", "A"], []])


@given(st.lists(RULES, min_size=1, max_size=4), VALUES, VALUES)
def test_the_owner_is_the_first_team_in_the_file_of_which_a_rule_matches(
    owns: list[list[dict[str, str]]], team: object, project: object
) -> None:
    teams: list[dict[str, Any]] = [
        {"team": name, **({"owns": rules} if rules else {})} for name, rules in zip(NAMES, owns, strict=False)
    ]
    organisation = [{"value_stream": "V", "arts": [{"art": "R", "teams": teams}]}]
    workflows = [{"name": "w", "states": {"active": ["Doing"], "done": ["Done"]}}]
    text = yaml.safe_dump({"version": 1, "organisation": organisation, "workflows": workflows})
    attributes = {"team": team, "project": project}
    expected = next(
        (
            each["team"]
            for each in teams
            if any(matches(rule, attributes) for rule in each.get("owns") or [{"team": each["team"]}])
        ),
        "unassigned",
    )
    try:
        config = parse_config(text, "flow.yaml")
    except Mistakes:
        # Two teams may not have the same rule.
        assume(False)  # noqa: FBT003
    assert Rules(config).owner(attributes).team == expected
