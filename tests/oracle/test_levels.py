"""The oracle's backlogs, owners at every level and points, against numbers worked out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import yaml

from tests.oracle.backlogs import backlog_of, goals_home_of, home_of
from tests.oracle.brute_force import compare, compare_numbers, gauges, numbers
from tests.oracle.rules import Json, belongs, levels, owner_of
from tests.oracle.series import series

CONFIG: Json = yaml.safe_load("""
portfolio: {load_limit: 4, owns: [{type: epic}]}
organisation:
  - value_stream: V
    load_limit: {features: 7, stories: 9}
    owns: [{project: v}]
    arts:
      - art: A
        load_limit: 6
        owns: [{project: a}, {project: v, type: feature}]
        teams:
          - {team: T, load_limit: 5}
          - {team: U, load_limit: {features: 1}, owns: [{project: a, type: story}]}
workflows:
  - {name: w, states: {new: [New], active: [Doing], waiting: [Ready], done: [Done], cancelled: [Dropped]}}
item_types: {story: [S], feature: [F], epic: [E]}
backlogs:
  - {backlog: epics, home: portfolio, holds: {type: epic}}
  - {backlog: features, home: art, holds: {type: feature}}
  - {backlog: stories, home: team, holds: {type: [story, bug]}}
windows: [30d]
""")
AT = datetime.fromisoformat("2026-07-10T00:00:00Z")

_ids = iter(range(10**9))


def change(item: str, day: int, state: str | None = None, **data: Any) -> Json:
    """Make an event of an item on a day of July."""
    fields = {"item": item} | ({"state": state} if state else {}) | data
    return event(day, "flow.item.changed", fields)


def event(day: int, kind: str, data: Json) -> Json:
    """Make an event of any type on a day of July."""
    return {"id": f"e{next(_ids)}", "source": "s", "type": kind, "time": f"2026-07-{day:02}T00:00:00Z", "data": data}


def shown(events: list[Json], at: datetime = AT, config: Json = CONFIG) -> dict[tuple[str, ...], Json]:
    """Compute all numbers, by the names on a node's path and its backlog."""
    names = ("value_stream", "art", "team", "backlog")
    return {tuple(node[name] for name in names if node[name]): node for node in numbers(events, config, at)["nodes"]}


def items(events: list[Json], at: datetime = AT) -> dict[tuple[str, ...], int]:
    """Give the load of each node and backlog that has any."""
    found = {place: node["load"]["items"] for place, node in shown(events, at).items()}
    return {place: count for place, count in found.items() if count}


@pytest.mark.parametrize(
    ("attributes", "owner", "backlog"),
    [
        ({"team": "T", "project": "a", "type": "epic"}, ("V", "A", "T"), "epics"),
        ({"team": "T", "project": "a", "type": "story"}, ("V", "A", "T"), "stories"),
        ({"project": "a", "type": "story"}, ("V", "A", "U"), "stories"),
        ({"project": "a", "type": "feature"}, ("V", "A", ""), "features"),
        ({"project": "v", "type": ["feature", "epic"]}, ("V", "A", ""), "epics"),
        ({"project": "v", "type": "epic"}, ("V", "", ""), "epics"),
        ({"project": "x", "type": "epic"}, ("", "", ""), "epics"),
        ({"project": "x", "type": "riddle"}, ("unassigned",) * 3, None),
    ],
)
def test_the_most_specific_owner_and_the_first_backlog_that_match(
    attributes: Json, owner: tuple[str, ...], backlog: str | None
) -> None:
    assert owner_of(attributes, CONFIG) == owner
    assert backlog_of(attributes, CONFIG) == backlog
    assert backlog_of(attributes, {}) == "all"


def test_an_owner_counts_in_itself_and_above() -> None:
    assert levels(("V", "A", "T")) == [
        ("portfolio", "", "", ""),
        ("value_stream", "V", "", ""),
        ("art", "V", "A", ""),
        ("team", "V", "A", "T"),
    ]
    assert levels(("V", "A", "")) == levels(("V", "A", "T"))[:3]
    assert levels(("", "", "")) == [("portfolio", "", "", "")]
    assert not belongs(("V", "", ""), ("art", "V", "A", ""))
    assert belongs(("V", "A", "T"), ("own", "V", "A", "T"))
    assert not belongs(("V", "A", "T"), ("own", "V", "A", ""))


def test_the_home_backlog_is_the_levels_or_the_nearest_below_and_goals_may_look_above() -> None:
    homes = [home_of(level, CONFIG) for level in ("team", "art", "value_stream", "portfolio")]
    assert homes == ["stories", "features", "features", "epics"]
    high = {"backlogs": [{"backlog": "x", "home": "portfolio"}, {"backlog": "y", "home": "value_stream"}]}
    assert [home_of(level, high) for level in ("team", "art", "value_stream", "portfolio")] == [None, None, "y", "x"]
    assert [goals_home_of(level, high) for level in ("team", "art", "portfolio")] == ["y", "y", "x"]


EVENTS = [
    change("e", 1, "Doing", type="epic", item_type="E", points=100),
    change("f", 1, "Doing", type="feature", item_type="F", project="a"),
    change("s1", 1, "Doing", type="story", item_type="S", team="T", points=3),
    change("s2", 1, "Ready", type="story", item_type="S", team="T", points=0.5),
    change("r", 1, "Doing", type="riddle", item_type="E", team="T"),
]


def test_no_number_mixes_two_backlogs() -> None:
    assert items(EVENTS) == {
        ("epics",): 1,
        ("features",): 1,
        ("V", "features"): 1,
        ("V", "A", "features"): 1,
        ("stories",): 2,
        ("V", "stories"): 2,
        ("V", "A", "stories"): 2,
        ("V", "A", "T", "stories"): 2,
    }
    assert numbers(EVENTS, CONFIG, AT)["unplaced"] == {"s": {"epic": 1}}
    gone = [*EVENTS, event(2, "flow.item.deleted", {"item": "r"})]
    assert numbers(gone, CONFIG, AT)["unplaced"] == {}


def test_limits_by_backlog() -> None:
    feature = [change("f", 1, "New", type="feature", project="u")]
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    config["organisation"][0]["arts"][0]["teams"][1]["owns"] = [{"project": "u"}]
    for events, of_team in (([], {}), (feature, {("V", "A", "U", "features"): 1})):
        found = {place: node["load"]["limit"] for place, node in shown(events, config=config).items()}
        assert {place: limit for place, limit in found.items() if limit is not None} == {
            ("epics",): 4,
            ("V", "features"): 7,
            ("V", "stories"): 9,
            ("V", "A", "features"): 6,
            ("V", "A", "T", "stories"): 5,
            **of_team,
        }


def test_a_node_below_the_home_level_shows_what_counts_there() -> None:
    feature = [change("f", 1, "Doing", type="feature", team="T")]
    always = set(shown([]))
    assert always == {
        ("epics",),
        *((*path, "features") for path in ((), ("V",), ("V", "A"))),
        *((*path, "stories") for path in ((), ("V",), ("V", "A"), ("V", "A", "T"), ("V", "A", "U"))),
    }
    below = always | {("V", "A", "T", "features")}
    assert set(shown(feature)) == set(shown([*feature, change("f", 2, team=None, type="epic")])) - {("V", "epics")}
    assert set(shown(feature)) == below
    new = [change("f", 1, "New", type="feature", team="T")]
    assert set(shown(new)) == below
    assert set(shown([*new, event(2, "flow.item.deleted", {"item": "f"})])) == always
    assert set(shown([*feature, event(2, "flow.item.deleted", {"item": "f"})])) == below
    nobody = [change("f", 1, "Doing", type="feature")]
    assert set(shown(nobody)) - always == {(*["unassigned"] * depth, "features") for depth in (1, 2, 3)}


MOVED = [
    change("1", 1, "Doing", type="story", team="T", points=3),
    change("1", 3, type="feature", points=5),
    change("1", 5, "Done"),
    change("1", 7, type="epic", points=8, team=None),
]


def test_a_start_a_finish_and_the_present_each_have_their_own_backlog_owner_and_points() -> None:
    found = shown(MOVED)
    months = {place: node["windows"]["30d"] for place, node in found.items()}
    assert {place for place, month in months.items() if month["arrivals"]} == {
        (*path, "stories") for path in ((), ("V",), ("V", "A"), ("V", "A", "T"))
    }
    assert {place: month["velocity_points"] for place, month in months.items() if month["velocity"]} == {
        (*path, "features"): 5.0 for path in ((), ("V",), ("V", "A"), ("V", "A", "T"))
    }
    days = [shown(MOVED, datetime.fromisoformat(f"2026-07-0{day}T00:00Z"))["stories",]["load"] for day in (2, 3)]
    assert [(day["points"], day["unestimated"]) for day in days] == [(3.0, 0), (0.0, 0)]


@pytest.mark.parametrize(
    ("points", "told", "unestimated"),
    [([0.1, 0.2], 0.3, 0), ([0, None], 0.0, 1), ([5, -1], 5.0, 1), ([5, True], 5.0, 1), ([2.5, "8"], 2.5, 1)],
)
def test_points_add_up_exactly_and_none_are_not_0(points: list[Any], told: float, unestimated: int) -> None:
    events = [
        change(str(number), 1, "Doing", type="story", team="T", points=amount) for number, amount in enumerate(points)
    ]
    load = shown(events)["V", "A", "T", "stories"]["load"]
    assert (load["points"], load["unestimated"]) == (told, unestimated)


def test_predictability_stands_beside_the_home_backlog_of_each_level() -> None:
    promise = event(1, "flow.objective.changed", {"objective": "o", "pi": "1", "team": "T", "planned_value": 8})
    beside = {place for place, node in shown([promise]).items() if node["predictability"]}
    assert beside == {("epics",), ("V", "features"), ("V", "A", "features"), ("V", "A", "T", "stories")}
    labels = [dict(labels) for (name, labels) in gauges([promise], CONFIG, AT) if "objective" in name or "pred" in name]
    assert len(labels) == 7
    assert not [each for each in labels if "backlog" in each]
    high = CONFIG | {"backlogs": [{"backlog": "x", "home": "portfolio"}]}
    assert {place for place, node in shown([promise], config=high).items() if node["predictability"]} == {
        (*path, "x") for path in ((), ("V",), ("V", "A"), ("V", "A", "T"))
    }


def test_a_target_is_about_its_backlog_or_the_home_of_its_level() -> None:
    art = {"level": "art", "art": "A", "metric": "load", "at_most": 1}
    config = CONFIG | {"targets": [{"name": "home", **art}, {"name": "stories", "backlog": "stories", **art}]}
    found = {place: node["targets"] for place, node in shown(EVENTS, config=config).items() if node["targets"]}
    told = {place: [(each["name"], each["actual"], each["met"]) for each in many] for place, many in found.items()}
    assert told == {
        ("V", "A", "features"): [("home", 1.0, True)],
        ("V", "A", "stories"): [("stories", 2.0, False)],
    }


def test_summable_series_are_of_owners_at_any_level() -> None:
    done = [change("f", 2, "Done"), change("s1", 3, "Done"), change("f2", 1, "Doing", type="feature", project="a")]
    found = gauges([*EVENTS, *done], CONFIG, AT)
    art = {"value_stream": "V", "art": "A", "backlog": "features"}
    team = {"value_stream": "V", "art": "A", "team": "T", "backlog": "stories"}
    month = {"window": "30d"}
    expected = {
        series("flow_load_items", backlog="epics", item_type="epic", flow_state="active"): 1,
        series("flow_load_points", backlog="epics", item_type="epic"): 100,
        series("flow_load_items", item_type="other", flow_state="active", **art): 1,
        series("flow_load_unestimated_items", item_type="other", **art): 1,
        series("flow_load_points", item_type="story", **team): 0.5,
        series("flow_velocity_items", item_type="feature", **art, **month): 1,
        series("flow_velocity_unestimated_items", item_type="feature", **art, **month): 1,
        series("flow_velocity_points", item_type="story", **team, **month): 3,
        series("flow_elapsed_seconds", **art, **month): 86400,
        # The second feature is older than the first took.
        series("flow_ageing_items", **art): 1,
        series("flow_ageing_items", **team): 1,
        series("flow_efficiency_ratio", level="value_stream", value_stream="V", backlog="features", **month): 1,
        series("flow_unplaced_items", source="s", item_type="epic"): 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    ageing = [labels for name, labels in found if name == "flow_ageing_items"]
    assert len(ageing) == 2
    assert series("flow_load_points", item_type="feature", **art) not in found
    assert not [name for name, labels in found if name == "flow_load_items" and ("backlog", "None") in labels]


def test_export_leaves_out_metrics_of_nodes_and_windows() -> None:
    every = gauges(EVENTS, CONFIG | {"windows": ["7d", "30d"]}, AT)
    export = {"windows": ["30d"], "leave_out": ["flow_load_items", "flow_arrivals_items"]}
    some = gauges(EVENTS, CONFIG | {"windows": ["7d", "30d"], "export": export}, AT)
    assert set(some) == {
        (name, labels)
        for name, labels in every
        if name not in ("flow_load_items", "flow_arrivals_items") and ("window", "7d") not in labels
    }


def test_comparison_sees_a_wrong_backlog_and_unplaced_items() -> None:
    want = numbers(EVENTS, CONFIG, AT)
    other = numbers([*EVENTS, change("s1", 2, type="feature"), change("r", 2, type="bug")], CONFIG, AT)
    found = compare_numbers(other, want)
    assert "team/V/A/T:features: surplus node" in found
    assert "portfolio:stories.load.points: 0.5 instead of 3.5" in found
    assert "unplaced.s: missing" in found
    feed = {key: part for key, part in want.items() if key != "unplaced"}
    assert compare_numbers(feed, want) == []
    shown_gauges = gauges(EVENTS, CONFIG, AT)
    unplaced = series("flow_unplaced_items", source="s", item_type="epic")
    assert len(compare(shown_gauges | {unplaced: 2.0}, shown_gauges)) == 1
