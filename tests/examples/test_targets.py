"""Targets: each metric held against its bounds, and which PI a target of predictability is about."""

from __future__ import annotations

import pytest

from tests.examples.stories import DAY, FLOW, Json, Numbers, begin, change, objective, plan

# Four days of flow time: one of Ready, which is waiting, and three of Doing.
DONE = [begin("2026-07-01", "Ready"), change("2026-07-02", "Doing"), change("2026-07-05", "Done")]
INCREMENTS = """\
program_increments:
  - {name: "2026.3", start: 2026-07-01, end: 2026-09-30}
  - {name: "2026.4", start: 2026-10-05, end: 2026-12-10}
"""
KEPT = INCREMENTS + "targets: [{name: t, level: art, art: Checkout, metric: predictability, at_least: 0.8}]\n"


def measured(events: list[Json], at: str, target: str) -> tuple[float | None, bool | None]:
    """Give what one target of Cards comes to, and whether it is met."""
    flow = f"{FLOW}targets: [{{name: t, level: team, team: Cards, {target}}}]\n"
    return Numbers(events, at, flow).targets("Cards")["t"]


def kept(events: list[Json], at: str, zone: str = "UTC") -> tuple[float | None, bool | None]:
    """Give what the target of predictability of ART Checkout comes to, and whether it is met."""
    return Numbers(events, at, f"{FLOW}time_zone: {zone}\n{KEPT}").targets("Checkout")["t"]


def test_flow_time_is_the_quantile_over_the_window_in_seconds() -> None:
    target = "metric: flow_time, quantile: {}, window: 7d, at_most: 96h"
    longer = [begin("2026-07-01", "Doing", "2"), change("2026-07-07", "Done", "2")]
    assert measured(DONE, "2026-07-06", target.format(0.85)) == (4 * DAY, True)
    assert measured(DONE + longer, "2026-07-08", target.format(0.5)) == (5 * DAY, False)
    actual, met = measured(DONE + longer, "2026-07-08", target.format(0.1))
    assert (actual, met) == (pytest.approx(4.2 * DAY), False)
    # The first has left the window, the second has not.
    assert measured(DONE + longer, "2026-07-12", target.format(0.1)) == (6 * DAY, False)


def test_velocity_is_the_items_finished_in_the_window() -> None:
    target = "metric: velocity, window: 7d, at_least: 1"
    assert measured(DONE, "2026-07-06", target) == (1, True)
    assert measured(DONE, "2026-07-12", target) == (0, False)


def test_efficiency_is_the_active_share_of_the_flow_time() -> None:
    assert measured(DONE, "2026-07-06", "metric: efficiency, window: 7d, at_least: 0.75") == (0.75, True)
    assert measured(DONE, "2026-07-06", "metric: efficiency, window: 7d, at_least: 0.76") == (0.75, False)


def test_distribution_is_the_share_of_the_type_and_0_where_only_others_were_finished() -> None:
    bug = [begin("2026-07-04", "Doing", "2", item_type="Bug"), change("2026-07-05", "Done", "2")]
    target = "metric: distribution, item_type: defect, window: 7d, at_least: 0.5"
    assert measured(DONE + bug, "2026-07-06", target) == (0.5, True)
    assert measured(DONE, "2026-07-06", target) == (0, False)
    assert measured([*DONE, *bug], "2026-07-06", target.replace("defect", "other")) == (0, False)


def test_load_is_the_items_in_progress_now() -> None:
    target = "metric: load, at_most: 1"
    second = [begin("2026-07-03", "Ready", "2")]
    assert [measured(DONE + second, f"2026-07-0{day}", target) for day in (2, 4, 6)] == [
        (1, True),
        (2, False),
        (1, True),
    ]


def test_predictability_is_a_ratio() -> None:
    assert kept([plan("2026-07-01", actual_value=9)], "2026-10-01") == (0.9, True)
    assert kept([plan("2026-07-01", actual_value=7)], "2026-10-01") == (0.7, False)


def test_a_bound_itself_is_allowed_on_either_side() -> None:
    for bounds, met in [
        ("at_most: 1", True),
        ("at_least: 1", True),
        ("at_least: 1, at_most: 1", True),
        ("at_least: 0, at_most: 2", True),
        ("at_least: 2, at_most: 3", False),
        ("at_least: 0, at_most: 0", False),
        ("at_most: 0.9", False),
        ("at_least: 1.1", False),
    ]:
        assert measured(DONE, "2026-07-04", f"metric: load, {bounds}") == (1, met), bounds


@pytest.mark.parametrize(
    "target",
    [
        "metric: flow_time, quantile: 0.85, window: 7d, at_most: 8d",
        "metric: efficiency, window: 7d, at_least: 0",
        "metric: distribution, item_type: feature, window: 7d, at_least: 0",
        "metric: predictability, at_least: 0",
    ],
)
def test_of_nothing_a_target_is_neither_met_nor_missed(target: str) -> None:
    assert measured([begin("2026-07-01", "Doing")], "2026-07-03", target) == (None, None)


def test_items_without_a_start_have_a_share_and_a_velocity_and_no_flow_time() -> None:
    events = [begin("2026-07-01", "Backlog"), change("2026-07-02", "Done")]
    assert measured(events, "2026-07-03", "metric: flow_time, quantile: 0.5, window: 7d, at_most: 1d") == (None, None)
    assert measured(events, "2026-07-03", "metric: efficiency, window: 7d, at_least: 0.1") == (None, None)
    assert measured(events, "2026-07-03", "metric: velocity, window: 7d, at_least: 1") == (1, True)
    assert measured(events, "2026-07-03", "metric: distribution, item_type: feature, window: 7d, at_least: 1") == (
        1,
        True,
    )


def test_no_items_are_a_velocity_and_a_load_of_0() -> None:
    assert measured([], "2026-07-03", "metric: velocity, window: 7d, at_least: 1") == (0, False)
    assert measured([], "2026-07-03", "metric: load, at_most: 1") == (0, True)


def test_targets_stand_at_their_node_in_the_order_of_the_file_with_bounds_in_the_unit_of_the_amount() -> None:
    flow = f"""{FLOW}targets:
  - {{name: slow, level: art, art: Checkout, metric: flow_time, quantile: 0.85, window: 7d, at_least: 12h, at_most: 8d}}
  - {{name: other-node, level: portfolio, metric: load, at_most: 9}}
  - {{name: lean, level: art, value_stream: Payments, art: Checkout, metric: load, at_most: 3}}
"""
    numbers = Numbers(DONE, "2026-07-06", flow)
    slow = {
        "name": "slow",
        "metric": "flow_time",
        "at_least": DAY / 2,
        "at_most": 8 * DAY,
        "actual": 4 * DAY,
        "met": True,
    }
    lean = {"name": "lean", "metric": "load", "at_least": None, "at_most": 3, "actual": 0, "met": True}
    assert numbers.node("Checkout")["targets"] == [slow, lean]
    assert numbers.targets("") == {"other-node": (0, True)}
    assert [numbers.node(name)["targets"] for name in ("Cards", "Billing", "Payments")] == [[], [], []]


PROMISED = [
    plan("2026-07-01", "A"),
    plan("2026-07-01", "B", team="Wallets"),
    objective("2026-08-01", "A", actual_value=5),
    plan("2026-10-05", "C", pi="2026.4"),
]


def test_while_the_increment_runs_the_projection_counts_and_after_its_end_what_was_achieved() -> None:
    assert kept(PROMISED, "2026-07-31") == (1, True)
    assert kept(PROMISED, "2026-09-30T23:59") == (0.75, False)
    assert kept(PROMISED, "2026-10-01") == (0.25, False)


def test_between_two_increments_the_last_that_ended_counts_and_from_its_first_day_the_next() -> None:
    assert kept(PROMISED, "2026-10-04T23:59") == (0.25, False)
    assert kept(PROMISED, "2026-10-05") == (1, True)
    assert kept(PROMISED, "2026-12-11") == (0, False)


@pytest.mark.parametrize(
    ("zone", "last_minute", "midnight"),
    [
        ("Europe/Berlin", "2026-09-30T21:59", "2026-09-30T22:00"),
        ("America/Los_Angeles", "2026-10-01T06:59", "2026-10-01T07:00"),
        ("Asia/Kolkata", "2026-09-30T18:29", "2026-09-30T18:30"),
    ],
)
def test_the_last_day_ends_at_midnight_of_the_configured_time_zone(zone: str, last_minute: str, midnight: str) -> None:
    assert kept(PROMISED, last_minute, zone) == (0.75, False)
    assert kept(PROMISED, midnight, zone) == (0.25, False)


@pytest.mark.parametrize(
    ("zone", "last_minute", "midnight"),
    [
        ("Europe/Berlin", "2026-10-04T21:59", "2026-10-04T22:00"),
        ("America/Los_Angeles", "2026-10-05T06:59", "2026-10-05T07:00"),
    ],
)
def test_the_first_day_begins_at_midnight_of_the_configured_time_zone(
    zone: str, last_minute: str, midnight: str
) -> None:
    planned_early = [plan("2026-09-20", "C", pi="2026.4"), *PROMISED[:3]]
    assert kept(planned_early, last_minute, zone) == (0.25, False)
    assert kept(planned_early, midnight, zone) == (1, True)


def test_before_the_first_increment_and_without_a_plan_for_the_running_one_there_is_nothing_to_measure() -> None:
    assert kept([plan("2026-06-01")], "2026-06-30T23:59") == (None, None)
    assert kept([plan("2026-06-01")], "2026-07-01") == (1, True)
    # 2026.4 runs and has no objective: that 2026.3 went well is not what is asked.
    assert kept([plan("2026-07-01", actual_value=10)], "2026-10-05") == (None, None)
    assert kept([plan("2026-07-01", committed=False, actual_value=10)], "2026-10-01") == (None, None)


def test_objectives_of_an_increment_that_no_configuration_names_are_no_target() -> None:
    assert kept([plan("2026-07-01", pi="PI 3")], "2026-07-02") == (None, None)
