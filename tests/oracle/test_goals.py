"""The oracle's goals: objectives, targets, blocked and ageing work, against numbers worked out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.oracle.brute_force import compare, compare_numbers, gauges, numbers
from tests.oracle.objectives import MOST_INCREMENTS
from tests.oracle.rules import Json
from tests.oracle.series import series

DAY = 86400.0

CONFIG: Json = {
    "organisation": [
        {
            "value_stream": "V",
            "arts": [
                {"art": "A", "teams": [{"team": "T"}, {"team": "U"}]},
                {"art": "B", "teams": [{"team": "T", "owns": [{"project": "b"}]}]},
            ],
        }
    ],
    "workflows": [{"name": "w", "states": {"new": ["New"], "active": ["Doing"], "done": ["Done"]}}],
    "item_types": {"defect": ["Bug"]},
    "windows": ["1d", "30d"],
    "time_zone": "Europe/Berlin",
    "program_increments": [
        {"name": "1", "start": "2026-07-01", "end": "2026-07-10"},
        {"name": "2", "start": "2026-07-12", "end": "2026-07-20"},
    ],
}


def change(time: str, state: str | None = None, *, item: str = "i", **data: Any) -> Json:
    """Make an event of an item of team U."""
    fields = {"item": item, "team": "U"} | ({"state": state} if state else {}) | data
    return event(time, "flow.item.changed", fields)


def objective(time: str, name: str = "o", **data: Any) -> Json:
    """Make an event of an objective."""
    return event(time, "flow.objective.changed", {"objective": name, **data})


def event(time: str, kind: str, data: Json) -> Json:
    """Make an event whose id follows from its content."""
    return {"id": f"{time} {data}", "source": "s", "type": kind, "time": f"{time}+00:00", "data": data}


def node(events: list[Json], at: str, *path: str, config: Json = CONFIG) -> Json:
    """Compute the numbers of the node with this path; of the portfolio where there is none."""
    key = [*path, "", "", ""][:3]
    nodes = numbers(events, config, datetime.fromisoformat(f"{at}+00:00"))["nodes"]
    found = [n for n in nodes if [n["value_stream"], n["art"], n["team"]] == key]
    assert len(found) == 1
    return dict(found[0])


def target(events: list[Json], at: str, **wanted: Any) -> tuple[float | None, bool | None]:
    """Measure one target of the portfolio."""
    config = CONFIG | {"targets": [{"name": "t", "level": "portfolio", **wanted}]}
    found = node(events, at, config=config)["targets"][0]
    return found["actual"], found["met"]


def test_planned_counts_commitments_actual_counts_all_and_projected_fills_in_the_plan() -> None:
    events = [
        objective("2026-07-01T00:00", "a", pi="1", team="U", planned_value=0.1, actual_value=0.3),
        objective("2026-07-01T00:00", "b", pi="1", team="U", planned_value=0.2),
        objective("2026-07-01T00:00", "c", pi="1", team="U", planned_value=7, committed=False),
        objective("2026-07-01T00:00", "d", pi="1", team="U", planned_value=7, committed=None, actual_value=0.6),
    ]
    # 0.1 and 0.2 are the 0.3 that people add them up to.
    expected = {"1": {"planned": 0.3, "actual": 0.9, "projected": 1.1, "ratio": 3.0}}
    assert node(events, "2026-07-02T00:00")["predictability"] == expected
    assert node(events, "2026-07-02T00:00", "V", "A", "U")["predictability"] == expected
    assert node(events, "2026-07-02T00:00", "V", "B")["predictability"] == {}
    assert node(events, "2026-06-30T00:00")["predictability"] == {}


def test_an_objective_is_as_its_events_up_to_the_instant_left_it_and_copies_are_one() -> None:
    events = [
        objective("2026-07-01T00:00", pi="1", team="U", planned_value=10),
        objective("2026-07-02T00:00", actual_value=8),
        objective("2026-07-03T00:00", actual_value=None, pi="2", team="T"),
        objective("2026-07-03T00:00", planned_value=5) | {"id": "again"},
        objective("2026-07-05T00:00", planned_value=99) | {"id": "again"},
        objective("2026-07-04T00:00", pi=None),
    ]
    for order in (events, events[::-1]):
        before, moved, gone = (node(order, f"2026-07-0{day}T00:00")["predictability"] for day in (2, 3, 6))
        assert before == {"1": {"planned": 10.0, "actual": 8.0, "projected": 8.0, "ratio": 0.8}}
        assert moved == {"2": {"planned": 5.0, "actual": 0.0, "projected": 5.0, "ratio": 0.0}}
        assert gone == {}


def test_an_objective_of_an_increment_that_is_not_listed_is_unmapped_and_in_no_sum() -> None:
    events = [
        objective("2026-07-01T00:00", "a", pi="1", team="U", planned_value=8),
        objective("2026-07-01T00:00", "b", pi="one", team="U", planned_value=5),
        objective("2026-07-02T00:00", "b", pi="One", actual_value=5) | {"source": "other"},
        objective("2026-07-01T00:00", "c", pi="one", team="U"),
        objective("2026-07-01T00:00", "d", team="U", planned_value=5),
    ]
    expected = {"1": {"planned": 8.0, "actual": 0.0, "projected": 8.0, "ratio": 0.0}}
    for path in ((), ("V",), ("V", "A"), ("V", "A", "U")):
        found = node(events, "2026-07-03T00:00", *path)
        assert found["predictability"] == expected
        assert found["unmapped_objectives"] == {"other": {"One": 1}, "s": {"one": 1}}
    assert node(events, "2026-07-01T00:00")["unmapped_objectives"] == {"s": {"one": 2}}
    assert node(events, "2026-07-03T00:00", "V", "B")["unmapped_objectives"] == {}
    free = CONFIG | {"program_increments": []}
    assert sorted(node(events, "2026-07-03T00:00", config=free)["predictability"]) == ["1", "One", "one"]
    assert node(events, "2026-07-03T00:00", config=free)["unmapped_objectives"] == {}
    shown = gauges(events, CONFIG, datetime.fromisoformat("2026-07-03T00:00+00:00"))
    place = {"value_stream": "V", "art": "A", "team": "U"}
    told = {name: value for name, value in shown.items() if name[0] == "flow_unmapped_objectives"}
    assert told == {
        series("flow_unmapped_objectives", source="s", pi="one", **place): 1,
        series("flow_unmapped_objectives", source="other", pi="One", **place): 1,
    }


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({"team": "T"}, ("V", "A", "T")),
        ({"team": "T", "art": "B"}, ("V", "B", "T")),
        ({"team": "T", "art": None, "value_stream": "V"}, ("V", "A", "T")),
        ({"team": "U", "art": "B"}, ("unassigned",) * 3),
        ({"team": "T", "value_stream": "W"}, ("unassigned",) * 3),
        ({"team": None}, ("unassigned",) * 3),
        ({}, ("unassigned",) * 3),
    ],
)
def test_an_objective_belongs_to_the_first_team_of_its_name(fields: Json, owner: tuple[str, ...]) -> None:
    found = numbers(
        [objective("2026-07-01T00:00", pi="1", **fields)], CONFIG, datetime.fromisoformat("2026-07-02T00:00Z")
    )
    shown = [(n["value_stream"], n["art"], n["team"]) for n in found["nodes"] if n["predictability"] and n["team"]]
    assert shown == [owner]


def test_the_last_hundred_increments_by_name_are_shown() -> None:
    events = [
        objective("2026-07-01T00:00", f"{n}", pi=f"{n:03}", team="U", planned_value=1)
        for n in range(MOST_INCREMENTS + 3)
    ]
    found = node(events, "2026-07-02T00:00", config=CONFIG | {"program_increments": []})["predictability"]
    assert list(found) == [f"{n:03}" for n in range(3, MOST_INCREMENTS + 3)]


def test_blocked_for_is_counted_from_the_first_of_an_unbroken_run_of_moments() -> None:
    events = [
        change("2026-07-01T00:00", "New", blocked=True),
        change("2026-07-02T00:00", "Doing", blocked="true"),
        change("2026-07-04T00:00", blocked=False),
        change("2026-07-05T00:00", blocked=True),
        change("2026-07-06T00:00", "Done"),
        change("2026-07-07T00:00", "Doing"),
    ]
    days = [node(events, f"2026-07-{day:02}T00:00")["blocked_age_max"] for day in range(1, 8)]
    assert days == [None, DAY, 2 * DAY, None, 0.0, None, None]


def test_ageing_is_beyond_the_line_and_not_on_it() -> None:
    events = [
        change("2026-07-01T00:00", "Doing", item="1"),
        change("2026-07-03T00:00", "Done", item="1"),
        change("2026-07-02T00:00", "Doing", item="2"),
    ]
    times = ["2026-07-02T12:00", "2026-07-04T00:00", "2026-07-04T00:01", "2026-08-02T00:00"]
    assert [node(events, time)["ageing"] for time in times] == [None, 0, 1, None]


def test_unmapped_is_by_source_and_state() -> None:
    events = [change("2026-07-01T00:00", "Limbo"), change("2026-07-01T00:00", "Limbo", item="2") | {"source": "r"}]
    assert node(events, "2026-07-02T00:00", "V", "A")["unmapped"] == {"s": {"Limbo": 1}, "r": {"Limbo": 1}}
    assert node([*events, change("2026-07-02T00:00", "New")], "2026-07-02T00:00")["unmapped"] == {"r": {"Limbo": 1}}


def test_each_metric_is_held_against_its_bounds() -> None:
    events = [
        change("2026-07-01T00:00", "Doing", item="1", item_type="Bug"),
        change("2026-07-02T00:00", item="1", blocked=True),
        change("2026-07-05T00:00", "Done", item="1"),
        change("2026-07-05T00:00", "Doing", item="2"),
    ]
    at, month = "2026-07-05T12:00", {"window": "30d"}
    flow_time = {"metric": "flow_time", "quantile": 0.85} | month
    share = {"metric": "distribution", "item_type": "defect"} | month
    assert target(events, at, **flow_time, at_most="4d") == (4 * DAY, True)
    assert target(events, at, **flow_time, at_most="95h") == (4 * DAY, False)
    assert target(events, at, metric="velocity", at_least=1, at_most=1, **month) == (1.0, True)
    assert target(events, at, metric="efficiency", at_least=0.3, **month) == (0.25, False)
    assert target(events, at, **share, at_least=1) == (1.0, True)
    assert target(events, at, **share | {"item_type": "other"}, at_least=0.1) == (0.0, False)
    assert target(events, at, metric="load", at_most=0) == (1.0, False)
    for wanted in (flow_time, share, month | {"metric": "efficiency"}, {"metric": "predictability"}):
        assert target(events[:1], at, **wanted, at_least=0) == (None, None)


def test_the_running_increment_is_projected_and_the_last_one_judged_by_local_days() -> None:
    events = [
        objective("2026-06-01T00:00", "a", pi="1", team="U", planned_value=4),
        objective("2026-06-01T00:00", "b", pi="1", team="U", planned_value=4, actual_value=2),
        objective("2026-06-01T00:00", "c", pi="2", team="U", planned_value=1),
    ]
    for time, actual in [
        ("2026-06-30T21:59", None),
        ("2026-06-30T22:00", 0.75),
        ("2026-07-10T21:59", 0.75),
        ("2026-07-10T22:00", 0.25),
        ("2026-07-11T21:59", 0.25),
        ("2026-07-11T22:00", 1.0),
        ("2026-07-20T22:00", 0.0),
    ]:
        found = target(events, time, metric="predictability", at_least=0.75)
        assert found == (actual, None if actual is None else actual >= 0.75), time
    assert target(events[:2], "2026-07-15T00:00", metric="predictability", at_least=0.75) == (None, None)


def test_a_target_may_leave_out_the_names_above_its_node() -> None:
    targets = [
        {"name": "one", "level": "team", "team": "U", "metric": "load", "at_most": 1},
        {"name": "two", "level": "art", "art": "A", "metric": "load", "at_most": 1},
        {
            "name": "three",
            "level": "team",
            "value_stream": "V",
            "art": "B",
            "team": "T",
            "metric": "load",
            "at_most": 1,
        },
    ]
    found = numbers([], CONFIG | {"targets": targets}, datetime.fromisoformat("2026-07-02T00:00Z"))["nodes"]
    assert {t["name"]: n["team"] or n["art"] for n in found for t in n["targets"]} == {
        "one": "U",
        "two": "A",
        "three": "T",
    }


EVENTS = [
    change("2026-07-01T00:00", "Doing", item="1"),
    change("2026-07-02T00:00", "Done", item="1"),
    change("2026-07-01T00:00", "Doing", item="2", blocked=True),
    change("2026-07-01T00:00", "Limbo", item="3"),
    objective("2026-07-01T00:00", pi="1", team="U", planned_value=4),
]
GOALS = CONFIG | {"targets": [{"name": "t", "level": "art", "art": "A", "metric": "load", "at_least": 2, "at_most": 3}]}
AT = datetime.fromisoformat("2026-07-03T00:00Z")


def test_gauges_of_goals() -> None:
    found = gauges(EVENTS, GOALS, AT)
    owner = {"value_stream": "V", "art": "A", "team": "U"}
    team = owner | {"backlog": "all"}
    art = {"value_stream": "V", "art": "A", "level": "art", "backlog": "all"}
    aim = {"target": "t", "metric": "load"}
    expected = {
        series("flow_ageing_items", **team): 1,
        series("flow_blocked_age_max_seconds", level="team", **team): 2 * DAY,
        series("flow_blocked_age_max_seconds", level="portfolio", backlog="all"): 2 * DAY,
        series("flow_unmapped_items", source="s", state="Limbo", **team): 1,
        series("flow_objective_planned_value", pi="1", **owner): 4,
        series("flow_objective_actual_value", pi="1", **owner): 0,
        series("flow_objective_projected_value", pi="1", **owner): 4,
        series("flow_predictability_ratio", pi="1", level="team", **owner): 0,
        series("flow_predictability_ratio", pi="1", value_stream="V", art="A", level="art"): 0,
        series("flow_target_value", bound="at_least", **aim, **art): 2,
        series("flow_target_value", bound="at_most", **aim, **art): 3,
        series("flow_target_actual_value", **aim, **art): 1,
        series("flow_target_met", **aim, **art): 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    counted = [name for name, _ in found]
    assert (counted.count("flow_ageing_items"), counted.count("flow_target_value")) == (1, 2)


def test_comparison_sees_a_goal_that_is_wrong_or_missing() -> None:
    want = gauges(EVENTS, GOALS, AT)
    goals = [
        name for name in want if name[0].startswith(("flow_target", "flow_pred", "flow_ageing", "flow_blocked_age"))
    ]
    assert len(goals) == 13
    for name in goals:
        missing = {series_: value for series_, value in want.items() if series_ != name}
        assert len(compare(missing, want)) == len(compare(want | {name: 7.5}, want)) == 1, name
    planned = series("flow_objective_planned_value", value_stream="V", art="A", team="U", pi="1")
    assert len(compare(want | {planned: 5.0}, want)) == 1
    assert compare(want | {series("flow_target_met", target="u"): 0.0}, want) != []


def test_comparison_of_objects_sees_a_target_that_differs() -> None:
    want, other = numbers(EVENTS, GOALS, AT), numbers(EVENTS[:2], GOALS, AT)
    assert "art/V/A:all.targets[0].actual: 0.0 instead of 1.0" in compare_numbers(other, want)
    assert any(line.startswith("art/V/A:all.targets: ") for line in compare_numbers(numbers(EVENTS, CONFIG, AT), want))
