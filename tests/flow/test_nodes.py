"""Nodes: an owner's path, what is always shown, limits, and beside which backlog predictability stands."""

from __future__ import annotations

import pytest

from stream.config.model import LEVELS as ALL_LEVELS
from stream.flow.nodes import Node, above, backlog_of_objectives, configured_nodes, load_limits, node_of, path
from stream.items.summary import UNASSIGNED, Owner
from tests.flow.material import ABOVE_TEAMS, CARDS, CHECKOUT, CREDIT, EVERYTHING, LEVELS, PAYMENTS, WALLETS, configured

CONFIG = configured(LEVELS)


@pytest.mark.parametrize(
    ("owner", "level", "owners"),
    [
        (CARDS, "team", [CARDS, CHECKOUT, PAYMENTS, EVERYTHING]),
        (CHECKOUT, "art", [CHECKOUT, PAYMENTS, EVERYTHING]),
        (PAYMENTS, "value_stream", [PAYMENTS, EVERYTHING]),
        (EVERYTHING, "portfolio", [EVERYTHING]),
        (
            UNASSIGNED,
            "team",
            [UNASSIGNED, Owner("unassigned", "unassigned", ""), Owner("unassigned", "", ""), EVERYTHING],
        ),
    ],
)
def test_an_item_counts_at_its_owner_and_at_all_above(owner: Owner, level: str, owners: list[Owner]) -> None:
    assert above(owner) == owners
    assert node_of(owner, "stories") == Node(level, *owner, "stories")  # type: ignore[arg-type]
    nodes = [node_of(each, "stories") for each in owners]
    own = [] if level == "team" else [nodes[0]._replace(own=True)]
    assert path(owner, "stories") == [*own, *nodes]
    # One of them counts what the owner owns itself, and nothing else.
    assert [node.is_owner for node in path(owner, "stories")] == [True] + [False] * (len(own) + len(nodes) - 1)


def test_only_the_portfolio_counts_everything_and_what_it_owns_itself_is_not_everything() -> None:
    assert [node.is_everything for node in path(CARDS, "stories")] == [False] * 3 + [True]
    assert [node.is_everything for node in path(EVERYTHING, "epics")] == [False, True]


def test_a_node_always_shows_the_backlogs_that_are_planned_at_its_level_or_below() -> None:
    found = [(node.level, node.value_stream, node.backlog) for node in configured_nodes(CONFIG) if not node.own]
    assert found == [
        ("value_stream", "Payments", "features"),
        ("value_stream", "Payments", "stories"),
        ("art", "Payments", "features"),
        ("art", "Payments", "stories"),
        ("team", "Payments", "stories"),
        ("team", "Payments", "stories"),
        ("value_stream", "Lending", "features"),
        ("value_stream", "Lending", "stories"),
        ("art", "Lending", "features"),
        ("art", "Lending", "stories"),
        ("team", "Lending", "stories"),
        ("portfolio", "", "epics"),
        ("portfolio", "", "features"),
        ("portfolio", "", "stories"),
    ]


def test_what_a_node_owns_itself_is_always_shown_where_its_backlog_is_planned() -> None:
    own = [node for node in configured_nodes(CONFIG) if node.own]
    assert own == [
        Node("art", "Payments", "Checkout", backlog="features", own=True),
        Node("art", "Lending", "Loans", backlog="features", own=True),
        Node("portfolio", backlog="epics", own=True),
    ]
    # A team has nothing below it.
    assert [node for node in configured_nodes(configured()) if node.own] == []


def test_a_limit_is_one_of_a_backlog_and_a_number_that_of_the_home_backlog() -> None:
    assert load_limits(CONFIG) == {
        Node("portfolio", backlog="epics"): 5,
        Node("value_stream", "Payments", backlog="epics"): 3,
        Node("value_stream", "Payments", backlog="features"): 60,
        Node("art", "Payments", "Checkout", backlog="features"): 30,
        Node("team", *CARDS, "stories"): 8,
        Node("team", *WALLETS, "features"): 1,
        Node("team", *WALLETS, "stories"): 4,
    }
    assert Node("team", *CREDIT, "stories") not in load_limits(CONFIG)


def test_predictability_stands_beside_the_home_backlog_of_each_level() -> None:
    homes = [backlog_of_objectives(CONFIG, level) for level in ALL_LEVELS]
    assert homes == ["stories", "features", "features", "epics"]
    homes = [backlog_of_objectives(configured(ABOVE_TEAMS), level) for level in ALL_LEVELS]
    assert homes == ["rest", "rest", "rest", "epics"]
    swapped = ABOVE_TEAMS.replace("home: art", "home: portfolio").replace("epics, home: portfolio", "epics, home: art")
    homes = [backlog_of_objectives(configured(swapped), level) for level in ALL_LEVELS]
    assert homes == ["epics", "epics", "epics", "rest"]
