"""The oracle's windows, by hand: which instants each holds, where days begin, and what they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.oracle.brute_force import gauges, numbers
from tests.oracle.periods import longest_trailing, window_at, windows_at
from tests.oracle.rules import Json
from tests.oracle.series import series

PERIODS = ["pi", "previous_pi", "iteration", "previous_iteration"]
CONFIG: Json = {
    "organisation": [{"value_stream": "V", "arts": [{"art": "A", "teams": [{"team": "T"}]}]}],
    "workflows": [{"name": "w", "states": {"active": ["Doing"], "done": ["Done"]}}],
    "windows": ["7d", *PERIODS],
    "time_zone": "Europe/Berlin",
    "program_increments": [
        {"name": "2026.1", "start": "2026-01-04", "end": "2026-03-26"},
        {"name": "2025.4", "start": "2025-10-01", "end": "2025-12-10"},
    ],
    "iterations": {"first": "2025-10-20", "length": "2w"},
}


def instant(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def names(at: str, config: Json = CONFIG) -> list[str]:
    """Give the names of the periods that exist at an instant."""
    return [name for window in windows_at(config, instant(at)).values() for name in window.named.values()]


def held(label: str, at: str, times: list[str], config: Json = CONFIG) -> list[bool]:
    """Tell which instants a window holds."""
    window = window_at(label, config, instant(at))
    assert window is not None
    return [window.holds(instant(time)) for time in times]


def test_a_trailing_window_holds_its_end_and_not_its_beginning() -> None:
    times = ["2026-01-01T00:00", "2026-01-01T00:00:00.000001", "2026-01-08T00:00", "2026-01-08T00:00:00.000001"]
    assert held("7d", "2026-01-08T00:00", times) == [False, True, True, False]
    assert longest_trailing(CONFIG) == "7d"
    assert longest_trailing({"windows": ["3d", "pi", "1w"]}) == "1w"
    assert longest_trailing({"windows": PERIODS}) is None
    assert longest_trailing({}) == "90d"


def test_increments_with_a_gap() -> None:
    only = CONFIG | {"windows": ["pi", "previous_pi"]}
    times = ["2025-09-30T21:59", "2025-09-30T22:00", "2025-12-20", "2026-01-03T22:59", "2026-01-03T23:00", "2026-03-30"]
    assert [names(time, only) for time in times] == [
        [],
        ["2025.4"],
        ["2025.4"],
        ["2025.4"],
        ["2026.1", "2025.4"],
        ["2026.1", "2025.4"],
    ]
    edges = ["2025-09-30T21:59", "2025-09-30T22:00", "2025-12-10T22:59", "2025-12-10T23:00", "2026-01-03T23:00"]
    for label, at in (("pi", "2025-12-20"), ("pi", "2026-01-03T22:59"), ("previous_pi", "2026-01-03T23:00")):
        assert held(label, at, edges) == [False, True, True, False, False]
    assert held("pi", "2025-11-01", ["2025-11-01", "2025-11-01T00:00:00.000001"]) == [True, False]


def test_adjoining_increments_share_no_instant() -> None:
    listed = [
        {"name": "a", "start": "2025-10-01", "end": "2025-12-31"},
        {"name": "b", "start": "2026-01-01", "end": "2026-01-01"},
    ]
    config = CONFIG | {"program_increments": listed}
    edges = ["2025-12-31T22:59", "2025-12-31T23:00", "2026-01-01T22:59", "2026-01-01T23:00"]
    assert held("previous_pi", "2026-06-01", edges, config) == [True, False, False, False]
    assert held("pi", "2026-06-01", edges, config) == [False, True, True, False]


def test_iterations_over_a_change_of_clocks() -> None:
    # On 26 October 2025, summer time ends in Berlin.
    only = CONFIG | {"windows": ["iteration", "previous_iteration"]}
    times = ["2025-10-19T21:59", "2025-10-19T22:00", "2025-11-02T22:59", "2025-11-02T23:00", "2025-12-01"]
    assert [names(time, only) for time in times] == [
        [],
        ["2025-10-20"],
        ["2025-10-20"],
        ["2025-11-03", "2025-10-20"],
        ["2025-12-01", "2025-11-17"],
    ]
    edges = ["2025-10-19T21:59", "2025-10-19T22:00", "2025-11-02T22:59", "2025-11-02T23:00"]
    assert held("previous_iteration", "2025-11-10", edges) == [False, True, True, False]


@pytest.mark.parametrize("label", PERIODS)
def test_a_period_is_gone_once_what_was_finished_at_its_first_instant_may_be_forgotten(label: str) -> None:
    begins = {"pi": "2026-01-03T23:00", "previous_pi": "2025-09-30T22:00", "iteration": "2026-04-05T22:00"}
    begin = instant(begins.get(label, "2026-03-22T23:00"))
    at = instant("2026-04-06T12:00")
    for lasting, is_there in ((at - begin, False), (at - begin + timedelta(seconds=1), True)):
        config = CONFIG | {"retention": f"{lasting // timedelta(seconds=1)}s"}
        assert (window_at(label, config, at) is not None) == is_there


def test_without_a_retention_it_is_400_days() -> None:
    begin = instant("2026-01-03T23:00")
    assert window_at("pi", CONFIG, begin + timedelta(days=400, microseconds=-1)) is not None
    assert window_at("pi", CONFIG, begin + timedelta(days=400)) is None


def test_numbers_and_gauges_of_periods() -> None:
    events = [
        {
            "id": f"{time}{state}",
            "source": "s",
            "type": "flow.item.changed",
            "time": f"{time}:00Z",
            "data": {"item": time, "team": "T", "state": state, "points": 2},
        }
        for time in ("2025-12-10T22:59", "2025-12-10T23:00", "2026-01-03T23:00")
        for state in ("Doing", "Done")
    ]
    at = instant("2026-01-05T00:00")
    [team] = [node for node in numbers(events, CONFIG, at)["nodes"] if node["level"] == "team"]
    told = {
        label: (window.get("pi"), window.get("iteration"), window["arrivals"], window["velocity_points"])
        for label, window in team["windows"].items()
    }
    assert told == {
        "7d": (None, None, 1, 2.0),
        "pi": ("2026.1", None, 1, 2.0),
        "previous_pi": ("2025.4", None, 1, 2.0),
        "iteration": (None, "2025-12-29", 1, 2.0),
        "previous_iteration": (None, "2025-12-15", 0, 0.0),
    }
    found = gauges(events, CONFIG, at)
    assert {name: value for name, value in found.items() if name[0] == "flow_program_increment_info"} == {
        series("flow_program_increment_info", window="pi", pi="2026.1"): 1,
        series("flow_program_increment_info", window="previous_pi", pi="2025.4"): 1,
    }
    place = {"value_stream": "V", "art": "A", "team": "T", "backlog": "all", "item_type": "other"}
    assert found[series("flow_velocity_points", window="previous_pi", **place)] == 2
    assert series("flow_velocity_points", window="previous_iteration", **place) not in found


def test_a_target_over_an_absent_period_is_neither_met_nor_missed() -> None:
    target = {"name": "t", "level": "portfolio", "metric": "velocity", "window": "previous_pi", "at_least": 0}
    config = CONFIG | {"targets": [target]}
    for at, told in (("2025-12-20", (None, None)), ("2026-01-04", (0.0, True))):
        [portfolio] = [node for node in numbers([], config, instant(at))["nodes"] if node["level"] == "portfolio"]
        assert [(each["actual"], each["met"]) for each in portfolio["targets"]] == [told]


def test_ageing_is_measured_by_trailing_windows_only() -> None:
    for windows, ageing in ((["1d", "7d", "pi"], 0), (["pi"], None)):
        events = [
            {
                "id": state,
                "source": "s",
                "type": "flow.item.changed",
                "time": f"2026-02-0{day}T00:00:00Z",
                "data": {"item": "1", "team": "T", "state": state},
            }
            for day, state in ((1, "Doing"), (3, "Done"))
        ]
        [team] = [
            node
            for node in numbers(events, CONFIG | {"windows": windows}, instant("2026-02-04"))["nodes"]
            if node["level"] == "team"
        ]
        assert team["ageing"] == ageing
