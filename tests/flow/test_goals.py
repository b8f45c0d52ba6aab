"""Targets measured on boards; stories with events are in tests/examples."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stream.flow.board import Board
from stream.flow.boards import Boards
from stream.flow.goals import Goals, MeasuredTarget
from stream.flow.nodes import Node
from stream.flow.predictability import Predictability
from stream.flow.report import Reading
from stream.flow.statistics import NEVER
from stream.items.summary import FlowState
from tests.flow.material import ABOVE_TEAMS, CARDS, FLOW, LEVELS, PORTFOLIO, TEAM, configured, doing, done

DAY = 86_400_000_000


def measured(*targets: str, now: int = 10 * DAY, empty: bool = False) -> dict[str, tuple[float | None, bool | None]]:
    config = configured(f"{FLOW}targets: [{', '.join(targets)}]\n")
    boards = Boards(config, lambda _: 0)
    if not empty:
        boards.put(0, b"1", doing(1))
        boards.put(0, b"2", done(9, 5, active=DAY))
        boards.put(0, b"3", done(9, 7, active=DAY))
    return {
        target.name: (target.actual, target.met) for row in Reading(config, boards).read(now) for target in row.targets
    }


@pytest.mark.parametrize(
    ("target", "actual", "nothing"),
    [
        ("metric: flow_time, quantile: 0.9, window: 7d, at_most: 4d", 3.8 * 86_400, None),
        ("metric: flow_time, quantile: 0.5, window: 1d, at_most: 4d", None, None),
        ("metric: velocity, window: 7d, at_least: 2", 2, 0),
        ("metric: efficiency, window: 7d, at_least: 0.3", 2 / 6, None),
        ("metric: distribution, item_type: feature, window: 7d, at_least: 1", 1.0, None),
        ("metric: distribution, item_type: other, window: 7d, at_most: 0.5", 0.0, None),
        ("metric: load, at_most: 1", 1, 0),
    ],
)
def test_each_metric(target: str, actual: float | None, nothing: float | None) -> None:
    written = f"{{name: goal, level: team, team: Cards, {target}}}"
    found, met = measured(written)["goal"]
    assert found == pytest.approx(actual) if actual is not None else found is None
    assert met is (None if actual is None else True)
    assert measured(written, empty=True)["goal"][0] == nothing


def test_both_bounds_belong_to_the_target() -> None:
    template = "{{name: goal, level: art, art: Checkout, metric: velocity, window: 7d, at_least: {}, at_most: {}}}"
    expected = {(2, 2): True, (3, 4): False, (0, 1): False, (1, 3): True}
    assert {bounds: measured(template.format(*bounds))["goal"][1] for bounds in expected} == expected


def test_a_target_is_measured_on_its_own_node_only() -> None:
    config = configured(
        FLOW + "targets: [{name: goal, level: value_stream, value_stream: Lending, metric: load, at_most: 3}]"
    )
    goals = Goals(config)
    board = Board([])
    assert goals.measure(TEAM, board, (), {}, 0) == goals.measure(PORTFOLIO, board, (), {}, 0) == ()
    assert goals.measure(Node("value_stream", "Lending", backlog="all"), board, (), {}, 0) == (
        MeasuredTarget("goal", "load", None, 3, 0, met=True),
    )


def instant(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


def test_predictability_is_projected_while_the_pi_runs_and_actual_after_it() -> None:
    config = configured(
        f"""{FLOW}time_zone: Europe/Berlin
program_increments: [{{name: b, start: 2026-10-01, end: 2026-12-10}}, {{name: a, start: 2026-07-01, end: 2026-09-24}}]
targets: [{{name: goal, level: portfolio, metric: predictability, at_least: 0.8}}]
"""
    )
    values = {"a": Predictability(10, 9, 9), "b": Predictability(10, 2, 8)}
    goals = Goals(config)
    expected = {
        (2026, 6, 30, 21, 59): None,
        (2026, 6, 30, 22): 0.9,
        (2026, 9, 28): 0.9,
        (2026, 9, 30, 22): 0.8,
        (2026, 12, 10, 22, 59): 0.8,
        (2026, 12, 10, 23): 0.2,
    }
    found = {when: goals.measure(PORTFOLIO, Board([]), (), values, instant(*when))[0].actual for when in expected}
    assert found == expected
    assert goals.measure(PORTFOLIO, Board([]), (), {}, instant(2026, 11, 1))[0].met is None
    edges = [instant(2026, 7, 1, 22)]
    while edges[-1] < NEVER:
        edges.append(goals.steady_until(PORTFOLIO, edges[-1]))
    assert edges[1:-1] == [instant(2026, 9, 24, 22), instant(2026, 9, 30, 22), instant(2026, 12, 10, 23)]
    assert goals.steady_until(TEAM, instant(2026, 7, 1)) == NEVER


PERIODS = """\
program_increments: [{name: a, start: 1970-01-06, end: 1970-01-07}, {name: b, start: 1970-01-10, end: 1970-01-12}]
targets:
  - {name: in-pi, level: team, team: Cards, metric: velocity, window: pi, at_least: 1}
  - {name: before, level: team, team: Cards, metric: flow_time, quantile: 0.5, window: previous_pi, at_most: 9d}
"""


def test_a_target_over_a_period_is_measured_while_there_is_one() -> None:
    config = configured(FLOW.replace("[1d, 7d]", "[1d, pi, previous_pi]") + PERIODS)
    boards = Boards(config, lambda _: 0)
    boards.put(0, b"1", done(6, 2))
    reading = Reading(config, boards)

    def measured_at(day: int) -> list[float | None]:
        (row,) = reading.read(day * DAY, lambda node: node == TEAM)
        return [target.actual for target in row.targets]

    assert {day: measured_at(day) for day in (4, 5, 6, 8, 9, 12)} == {
        4: [None, None],
        5: [0, None],
        6: [1, None],
        8: [1, None],
        9: [0, 4 * 86_400],
        12: [0, 4 * 86_400],
    }


def test_a_window_may_be_named_by_another_unit_than_in_the_list_of_windows() -> None:
    found = measured("{name: goal, level: team, team: Cards, metric: velocity, window: 1w, at_least: 2}")
    assert found == {"goal": (2, True)}


def test_a_target_is_of_the_home_backlog_of_its_level_unless_it_names_another() -> None:
    config = configured(
        f"""{LEVELS}targets:
  - {{name: epics, level: portfolio, metric: load, at_most: 9}}
  - {{name: features, level: art, art: Checkout, metric: load, at_most: 9}}
  - {{name: stories, level: team, team: Cards, metric: load, at_most: 9}}
  - {{name: named, level: value_stream, value_stream: Payments, backlog: stories, metric: load, at_most: 9}}
"""
    )
    boards = Boards(config, lambda _: 0)
    for number, backlog in enumerate(["epics", "features", "features", "stories", "stories", "stories"]):
        boards.put(0, b"%d" % number, doing(1, backlog=backlog))
    found = {
        target.name: (row.node, target.actual) for row in Reading(config, boards).read(DAY) for target in row.targets
    }
    assert found == {
        "epics": (Node("portfolio", backlog="epics"), 1),
        "features": (Node("art", "Payments", "Checkout", backlog="features"), 2),
        "stories": (Node("team", *CARDS, "stories"), 3),
        "named": (Node("value_stream", "Payments", backlog="stories"), 3),
    }


def test_predictability_of_a_level_without_a_backlog_of_its_own_stands_beside_the_nearest_above() -> None:
    config = configured(
        ABOVE_TEAMS + "targets: [{name: goal, level: team, team: Cards, metric: predictability, at_least: 0.8}]\n"
    )
    goals, values = Goals(config), {"a": Predictability(10, 9, 9)}
    assert len(goals.measure(Node("team", *CARDS, "rest"), Board([]), (), values, 0)) == 1


def test_ageing_counts_what_is_older_than_the_85_per_cent_line_of_the_longest_window() -> None:
    config = configured(FLOW)
    boards = Boards(config, lambda _: 0)
    boards.put(0, b"old", doing(1, blocked_since=3 * DAY))
    boards.put(0, b"young", doing(9))
    (before,) = Reading(config, boards).read(10 * DAY, lambda node: node == TEAM)
    assert (before.ageing, before.blocked_age_max(10 * DAY)) == (None, 7 * 86_400)
    boards.put(0, b"done", done(9, 5))
    (after,) = Reading(config, boards).read(10 * DAY, lambda node: node == TEAM)
    assert after.ageing == 1
    (exactly,) = Reading(config, boards).read(5 * DAY, lambda node: node == TEAM)
    assert exactly.ageing is None


def test_unmapped_items_are_reported_by_source_and_state() -> None:
    boards = Boards(configured(), lambda _: 0)
    lost = doing(1)
    boards.put(0, b"1", type(lost)("1", "b", CARDS, "feature", "Odd", FlowState.UNMAPPED, "all"))
    boards.put(0, b"2", type(lost)("2", "a", CARDS, "feature", "Odd", FlowState.UNMAPPED, "all"))
    (row,) = Reading(configured(), boards).read(2 * DAY, lambda node: node == TEAM)
    assert row.unmapped == {("b", "Odd"): 1, ("a", "Odd"): 1}
