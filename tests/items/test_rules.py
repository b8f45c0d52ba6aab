"""Owner, backlog, workflow and flow item type of attributes."""

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
from stream.items.summary import UNASSIGNED, FlowState, Owner
from tests.items.material import LEVELS, configured

CARDS = Owner("Payments", "Checkout", "Cards")
WALLETS = Owner("Payments", "Checkout", "Wallets")

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


CHECKOUT = Owner("Payments", "Checkout", "")
PAYMENTS = Owner("Payments", "", "")
PORTFOLIO = Owner("", "", "")


@pytest.mark.parametrize(
    ("attributes", "owner"),
    [
        ({"project": "PORT"}, PORTFOLIO),
        ({"project": "PAYMENTS"}, PAYMENTS),
        ({"project": "CHECKOUT", "item_type": "Feature"}, CHECKOUT),
        # The most specific owner wins: a rule of a team before one of an ART, and that before one of the portfolio.
        ({"project": "PORT", "item_type": "Feature"}, CHECKOUT),
        ({"project": "PORT", "item_type": "Story"}, WALLETS),
        ({"project": "PORT", "team": "Cards"}, CARDS),
        ({"project": ["PAYMENTS", "PORT"]}, PAYMENTS),
        ({"project": "CHECKOUT"}, UNASSIGNED),
        ({}, UNASSIGNED),
    ],
)
def test_an_owner_may_be_at_any_level_and_the_most_specific_one_wins(attributes: dict[str, Any], owner: Owner) -> None:
    assert Rules(configured(LEVELS)).owner(attributes) == owner


def test_objectives_are_owned_by_teams_only() -> None:
    rules = Rules(configured(LEVELS))
    assert rules.team_named("") == rules.team_named(None, "Checkout") == rules.team_named("Checkout") == UNASSIGNED


BACKLOGS = """\
version: 1
organisation: [{value_stream: V, arts: [{art: A, teams: [{team: T}]}]}]
workflows: [{name: w, states: {active: [Doing]}}]
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: [Epic, Theme]}}
  - {backlog: ours, home: team, holds: {item_type: Story, project: A}}
  - {backlog: stories, home: team, holds: {item_type: Story}}
"""


def test_the_first_backlog_whose_fields_all_match_holds_an_item() -> None:
    rules = Rules(configured(BACKLOGS))
    held = {
        "epics": [{"item_type": "Epic"}, {"item_type": "Theme", "project": "A"}],
        "ours": [{"item_type": "Story", "project": "A"}, {"item_type": "Story", "project": ["B", "A"]}],
        "stories": [{"item_type": "Story"}, {"item_type": "Story", "project": "B"}],
        None: [{}, {"item_type": "Bug"}, {"project": "A"}, {"item_type": None}],
    }
    for backlog, many in held.items():
        # Asked twice: the second time it is remembered.
        assert [rules.backlog(attributes) for attributes in [*many, *many]] == [backlog] * 2 * len(many)


def test_a_backlog_that_says_nothing_of_what_it_holds_takes_the_rest() -> None:
    rules = Rules(configured(f"{BACKLOGS}  - {{backlog: rest, home: team}}\n"))
    assert [rules.backlog(each) for each in ({}, {"item_type": "Bug"}, {"item_type": "Epic"})] == [
        "rest",
        "rest",
        "epics",
    ]


def test_without_backlogs_there_is_one() -> None:
    assert Rules(configured(FLOW)).backlog({}) == "all"


def test_backlogs_are_the_same_when_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    rules = Rules(configured(BACKLOGS))
    asked = [{"item_type": name} for name in ("Epic", "a", "b", "Story", "Epic")]
    assert [rules.backlog(attributes) for attributes in asked] == ["epics", None, None, "stories", "epics"]
    assert len(rules._backlog_of) <= 2


def test_the_fold_keeps_what_rules_ask_for_and_what_a_summary_shows() -> None:
    rules = Rules(configured(BACKLOGS))
    assert [*rules.fields] == ["item_type", "key", "parent", "points", "project", "state", "team"]
    assert [field for field, places in rules.fields.items() if places] == ["item_type", "project", "team"]


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
Owns = list[dict[str, str]]


def owning(owns: Owns) -> dict[str, Owns]:
    return {"owns": owns} if owns else {}


@given(st.lists(RULES, min_size=1, max_size=4), st.tuples(*[RULES] * 4), VALUES, VALUES)
def test_the_owner_is_the_first_of_the_lowest_level_of_which_a_rule_matches(
    owns: list[Owns], above: tuple[Owns, ...], team: object, project: object
) -> None:
    one, other, stream, portfolio = above
    teams = [{"team": name, **owning(rules)} for name, rules in zip(NAMES, owns, strict=False)]
    arts: list[dict[str, Any]] = [
        {"art": "R", **owning(one), "teams": teams},
        {"art": "S", **owning(other), "teams": [{"team": "D"}]},
    ]
    text = yaml.safe_dump(
        {
            "version": 1,
            "portfolio": owning(portfolio),
            "organisation": [{"value_stream": "V", **owning(stream), "arts": arts}],
            "workflows": [{"name": "w", "states": {"active": ["Doing"], "done": ["Done"]}}],
        }
    )
    attributes = {"team": team, "project": project}
    listed: list[tuple[Owner, Owns]] = [
        *((Owner("V", "R", str(each["team"])), owns) for each, owns in zip(teams, owns, strict=False)),
        *((Owner("V", name, ""), owns) for name, owns in (("R", one), ("S", other))),
        (Owner("V", "", ""), stream),
        (Owner("", "", ""), portfolio),
    ]
    expected = next(
        (
            owner
            for owner, rules in listed
            if any(matches(rule, attributes) for rule in rules or ([{"team": owner.team}] if owner.team else []))
        ),
        UNASSIGNED,
    )
    try:
        config = parse_config(text, "flow.yaml")
    except Mistakes:
        # Two owners may not have the same rule.
        assume(False)  # noqa: FBT003
    assert Rules(config).owner(attributes) == expected
