"""Epics, features and stories: each flows on its own, every level owns work, and no number mixes two backlogs."""

from __future__ import annotations

import pytest

from tests.examples.stories import DAY, FLOW, Json, Numbers, begin, change, delete

LEVELLED = """\
version: 1
portfolio:
  load_limit: 5
  owns: [{item_type: Epic}]
organisation:
  - value_stream: Payments
    load_limit: {epics: 3, features: 60}
    arts:
      - art: Checkout
        load_limit: 30
        owns: [{project: CHK, item_type: Feature}]
        teams: [{team: Cards, load_limit: {stories: 8, features: 1}}, {team: Wallets}]
  - value_stream: Lending
    owns: [{project: LEND}]
    arts:
      - art: Loans
        owns: [{project: LEND, labels: loans}]
        teams: [{team: Credit}]
workflows:
  - name: delivery
    states: {new: [Backlog], active: [Doing], waiting: [Ready], done: [Done], cancelled: [Dropped]}
item_types: {story: [Story], feature: [Feature], epic: [Epic]}
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: Epic}}
  - {backlog: features, home: art, holds: {item_type: Feature}}
  - {backlog: stories, home: team, holds: {item_type: [Story, Bug]}}
windows: [7d, 30d]
"""

EPIC: Json = {"team": None, "item_type": "Epic"}
FEATURE: Json = {"team": None, "item_type": "Feature", "project": "CHK", "parent": "E"}
STORY: Json = {"parent": "F"}
WORK = [
    begin("2026-07-01", "Doing", "E", **EPIC),
    begin("2026-07-02", "Doing", "F", **FEATURE),
    begin("2026-07-03", "Doing", "S1", **STORY),
    begin("2026-07-03", "Ready", "S2", **STORY),
]


def told(events: list[Json], at: str) -> dict[str, int]:
    """Give the load of each node and backlog that has any."""
    numbers = Numbers(events, at, LEVELLED)
    return {name: numbers.load(name) for name in numbers.names() if numbers.load(name)}


def test_an_epic_its_feature_and_its_stories_are_never_counted_together() -> None:
    assert told(WORK, "2026-07-04") == {
        "Cards:stories": 2,
        "Checkout:stories": 2,
        "Checkout:features": 1,
        "Payments:stories": 2,
        "Payments:features": 1,
        ":stories": 2,
        ":features": 1,
        ":epics": 1,
    }


def test_nodes_of_the_home_level_and_above_always_show_a_backlog_and_others_once_an_item_counts_there() -> None:
    teams, arts, streams = {"Cards", "Wallets", "Credit"}, {"Checkout", "Loans"}, {"Payments", "Lending"}
    always = {f"{name}:stories" for name in teams | arts | streams | {""}}
    always |= {f"{name}:features" for name in arts | streams | {""}} | {":epics"}
    assert Numbers([], "2026-07-04", LEVELLED).names() == Numbers(WORK, "2026-07-04", LEVELLED).names() == always
    of_team = [begin("2026-07-01", "Doing", "F", item_type="Feature"), change("2026-07-02", "Done", "F")]
    assert Numbers(of_team, "2026-07-03", LEVELLED).names() == always | {"Cards:features"}
    deleted = [begin("2026-07-01", "Backlog", "F", item_type="Feature"), delete("2026-07-02", "F")]
    assert Numbers(deleted, "2026-07-01", LEVELLED).names() == always | {"Cards:features"}
    assert Numbers(deleted, "2026-07-02", LEVELLED).names() == always
    epic_of_cards = [begin("2026-07-01", "Doing", "E", item_type="Epic")]
    shown = {"Cards:epics", "Checkout:epics", "Payments:epics"}
    assert Numbers(epic_of_cards, "2026-07-02", LEVELLED).names() == always | shown


def test_a_feature_of_long_ago_keeps_its_team_showing_features() -> None:
    of_team = [begin("2026-01-01", "Doing", "F", item_type="Feature"), change("2026-01-02", "Done", "F")]
    gone = [*of_team, delete("2026-01-03", "F")]
    numbers = Numbers(gone, "2026-07-01", LEVELLED)
    assert numbers.velocity("30d", "Cards:features") == 0


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({"team": "Credit", "project": "LEND", "labels": ["loans"]}, "Credit"),
        ({"team": None, "project": "LEND", "labels": ["loans"]}, "Loans"),
        ({"team": None, "project": "LEND"}, "Lending"),
        ({"team": None, "project": "LEND", "item_type": "Epic"}, "Lending"),
        ({"team": None, "item_type": "Epic"}, ""),
        ({"team": None}, "team unassigned"),
    ],
)
def test_the_most_specific_owner_wins(fields: Json, owner: str) -> None:
    backlog = "epics" if fields.get("item_type") == "Epic" else "stories"
    found = told([begin("2026-07-01", "Doing", **fields)], "2026-07-02")
    above = {
        "Credit": ["Credit", "Loans", "Lending", ""],
        "Loans": ["Loans", "Lending", ""],
        "Lending": ["Lending", ""],
        "": [""],
        "team unassigned": ["team unassigned", "art unassigned", "value_stream unassigned", ""],
    }[owner]
    assert found == {f"{name}:{backlog}": 1 for name in above}


def test_limits_are_by_backlog_and_a_number_is_that_of_the_levels_home() -> None:
    events = [*WORK, begin("2026-07-01", "Doing", "F2", item_type="Feature")]
    numbers = Numbers(events, "2026-07-04", LEVELLED)
    limits = {name: numbers.node(name)["load"]["limit"] for name in numbers.names()}
    assert {name: limit for name, limit in limits.items() if limit is not None} == {
        ":epics": 5,
        "Payments:features": 60,
        "Checkout:features": 30,
        "Cards:stories": 8,
        "Cards:features": 1,
    }


MOVED = [
    begin("2026-07-01", "Doing", "1", item_type="Story", points=3),
    change("2026-07-03", item="1", item_type="Feature", team=None, project="CHK", points=8),
    change("2026-07-05", "Done", "1"),
    change("2026-07-06", item="1", item_type="Epic", points=40),
]


def test_load_is_in_the_backlog_of_now_arrivals_in_that_of_the_start_and_velocity_in_that_of_the_finish() -> None:
    assert told(MOVED, "2026-07-02") == {f"{name}:stories": 1 for name in ("Cards", "Checkout", "Payments", "")}
    assert told(MOVED, "2026-07-03") == {f"{name}:features": 1 for name in ("Checkout", "Payments", "")}
    for day in ("2026-07-05", "2026-07-07"):
        numbers = Numbers(MOVED, day, LEVELLED)
        arrivals = {name for name in numbers.names() if numbers.window("7d", name)["arrivals"]}
        velocity = {name for name in numbers.names() if numbers.velocity("7d", name)}
        assert arrivals == {"Cards:stories", "Checkout:stories", "Payments:stories", ":stories"}
        assert velocity == {"Checkout:features", "Payments:features", ":features"}
        assert numbers.window("7d", "Checkout:features")["flow_time"]["max"] == 4 * DAY


def test_points_in_load_are_those_of_now_and_points_of_velocity_those_of_the_finish() -> None:
    loads = [Numbers(MOVED, f"2026-07-0{day}", LEVELLED).node(":stories")["load"] for day in (1, 3)]
    assert [(load["points"], load["unestimated"]) for load in loads] == [(3, 0), (0, 0)]
    features = Numbers(MOVED, "2026-07-04", LEVELLED).node(":features")
    assert (features["load"]["points"], features["load"]["unestimated"]) == (8, 0)
    for day in ("2026-07-05", "2026-07-07"):
        week = Numbers(MOVED, day, LEVELLED).window("7d", ":features")
        assert (week["velocity_points"], week["unestimated"]) == (8, 0)


def test_an_item_without_points_is_unestimated_and_one_of_0_points_is_not() -> None:
    events = [
        begin("2026-07-01", "Doing", "1", points=0.1),
        begin("2026-07-01", "Doing", "2", points=0.2),
        begin("2026-07-01", "Doing", "3", points=0),
        begin("2026-07-01", "Doing", "4"),
        begin("2026-07-01", "Doing", "5", points=5),
        change("2026-07-02", item="5", points=None),
    ]
    load = Numbers(events, "2026-07-03").node("Cards")["load"]
    # 0.1 and 0.2 are the 0.3 that people add them up to.
    assert (load["items"], load["points"], load["unestimated"]) == (5, 0.3, 2)
    done = [*events, *(change("2026-07-04", "Done", str(number)) for number in range(1, 6))]
    week = Numbers(done, "2026-07-05").window("7d", "Checkout")
    assert (week["velocity"], week["velocity_points"], week["unestimated"]) == (5, 0.3, 2)


def test_an_item_that_no_backlog_holds_is_in_no_number() -> None:
    events = [begin("2026-07-01", "Doing", "1", item_type="Riddle"), change("2026-07-02", "Done", "1")]
    numbers = Numbers(events, "2026-07-02T12:00", LEVELLED)
    assert not [name for name in numbers.names() if numbers.states(name) or numbers.velocity("7d", name)]
    assert numbers.unplaced() == {("jira/acme", "other"): 1}
    assert Numbers([*events, delete("2026-07-03", "1")], "2026-07-03", LEVELLED).unplaced() == {}
    # Since it had a backlog at its start, it counts among the arrivals there.
    held = [begin("2026-07-01", "Doing", "1"), change("2026-07-02", "Done", "1", item_type="Riddle")]
    week = Numbers(held, "2026-07-03", LEVELLED).window("7d", "Cards:stories")
    assert (week["arrivals"], week["velocity"]) == (1, 0)


TARGETS = f"""{LEVELLED}targets:
  - {{name: home, level: art, art: Checkout, metric: load, at_most: 0}}
  - {{name: stories, level: art, art: Checkout, backlog: stories, metric: load, at_most: 2}}
  - {{name: epics, level: portfolio, metric: load, at_most: 1}}
"""


def test_a_target_is_about_its_backlog_and_without_one_about_the_home_of_its_level() -> None:
    numbers = Numbers(WORK, "2026-07-04", TARGETS)
    assert numbers.targets("Checkout:features") == {"home": (1, False)}
    assert numbers.targets("Checkout:stories") == {"stories": (2, True)}
    assert numbers.targets(":epics") == {"epics": (1, True)}
    assert numbers.targets(":stories") == {}


def test_without_backlogs_there_is_one_which_every_node_shows() -> None:
    numbers = Numbers(WORK, "2026-07-04", FLOW)
    assert {numbers.node(name)["backlog"] for name in numbers.names()} == {"all"}
    assert (numbers.load("Cards"), numbers.load("team unassigned"), numbers.load()) == (2, 2, 4)
