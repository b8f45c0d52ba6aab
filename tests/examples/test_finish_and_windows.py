"""The rules of docs/metrics.md, one by one: start, finish, velocity, flow time, efficiency, distribution, windows."""

from __future__ import annotations

import pytest

from tests.examples.stories import DAY, HOUR, RESET, Numbers, begin, change


def test_the_start_is_the_first_entry_into_active_or_waiting() -> None:
    events = [
        begin("2026-07-01", "Backlog"),
        change("2026-07-02", "Ready"),
        change("2026-07-04", "Doing"),
        change("2026-07-05", "Done"),
    ]
    week = Numbers(events, "2026-07-06").window("7d", "Cards")
    assert week["flow_time"]["max"] == 3 * DAY
    assert week["state_seconds"] == {"Ready": 2 * DAY, "Doing": DAY}
    assert week["efficiency"] == pytest.approx(1 / 3)


def test_from_done_to_done_is_no_new_finish() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-03", "Done"), change("2026-07-09", "Released")]
    numbers = Numbers(events, "2026-07-09T12:00")
    assert numbers.velocity("1d", "Cards") == 0
    assert numbers.window("7d", "Cards")["flow_time"]["max"] == 2 * DAY


def test_re_opened_leaves_the_window_it_stood_in_and_counts_once_at_the_later_time() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        change("2026-07-03", "Done"),
        change("2026-07-05", "Review"),
        change("2026-07-06", "Done"),
    ]
    days = [Numbers(events, f"2026-07-{day:02}T12:00") for day in range(3, 7)]
    assert [numbers.velocity("7d", "Cards") for numbers in days] == [1, 1, 0, 1]
    assert [numbers.velocity("1d", "Cards") for numbers in days] == [1, 0, 0, 1]
    assert [numbers.load("Cards") for numbers in days] == [0, 0, 1, 0]
    assert days[-1].window("7d", "Cards")["flow_time"]["max"] == 5 * DAY
    assert days[-1].window("7d", "Cards")["active_seconds"] == 3 * DAY


def test_velocity_counts_under_owner_and_type_at_the_finish_whatever_changes_later() -> None:
    events = [
        begin("2026-07-01", "Doing", item_type="Bug"),
        change("2026-07-02", team="Wallets", item_type="Story"),
        change("2026-07-03", "Done"),
        change("2026-07-04", team="Credit", item_type="Bug"),
    ]
    numbers = Numbers(events, "2026-07-05")
    counts = {name: numbers.velocity("7d", name) for name in ("Cards", "Wallets", "Checkout", "Credit", "Lending")}
    assert counts == {"Cards": 0, "Wallets": 1, "Checkout": 1, "Credit": 0, "Lending": 0}
    assert numbers.window("7d", "Wallets")["velocity_by_type"] == {"feature": 1}
    assert numbers.states("Credit") == {"Done": 1}


def test_arrivals_count_under_the_owner_at_the_start() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-02", team="Wallets")]
    numbers = Numbers(events, "2026-07-03")
    arrivals = [numbers.window("7d", name)["arrivals"] for name in ("Cards", "Wallets", "Checkout")]
    assert arrivals == [1, 0, 1]
    assert [numbers.load(name) for name in ("Cards", "Wallets", "Checkout")] == [0, 1, 1]


def test_without_a_start_an_item_counts_in_velocity_and_not_in_flow_time() -> None:
    events = [
        begin("2026-07-01", "Backlog", "1"),
        change("2026-07-03", "Done", "1"),
        begin("2026-07-01", "Doing", "2"),
        change("2026-07-03", "Done", "2"),
    ]
    week = Numbers(events, "2026-07-04").window("7d", "Cards")
    assert (week["velocity"], week["without_start"], week["arrivals"]) == (2, 1, 1)
    assert (week["flow_time"]["count"], week["flow_time"]["mean"]) == (1, 2 * DAY)
    assert week["efficiency"] == 1.0


def test_after_a_reset_the_start_is_the_next_one_and_the_time_before_it_is_gone() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        change("2026-07-03", "To Do"),
        change("2026-07-05", "Ready"),
        change("2026-07-06", "Doing"),
        change("2026-07-07", "Done"),
    ]
    week = Numbers(events, "2026-07-07T12:00", RESET).window("30d", "Cards")
    assert (week["flow_time"]["max"], week["active_seconds"], week["arrivals"]) == (2 * DAY, DAY, 1)
    assert week["state_seconds"] == {"Ready": DAY, "Doing": DAY}


def test_efficiency_is_a_ratio_of_sums_and_no_mean_of_ratios() -> None:
    events = [
        begin("2026-07-01T09:00", "Doing", "1"),
        change("2026-07-01T10:00", "Done", "1"),
        begin("2026-07-01T00:00", "Doing", "2"),
        change("2026-07-01T01:00", "Ready", "2"),
        change("2026-07-01T09:00", "Done", "2"),
    ]
    day = Numbers(events, "2026-07-01T12:00").window("1d", "Cards")
    assert (day["active_seconds"], day["elapsed_seconds"]) == (2 * HOUR, 10 * HOUR)
    # The mean of the ratios would be (1/1 + 1/9) / 2 = 0.56.
    assert day["efficiency"] == 0.2


def test_distribution_is_each_types_share_of_what_was_finished() -> None:
    types = ["Story", "Story", "Bug", "Spike"]
    events = [begin("2026-07-01", "Doing", str(number), item_type=name) for number, name in enumerate(types)]
    events += [change("2026-07-02", "Done", str(number)) for number in range(4)]
    events.append(begin("2026-07-01", "Doing", "in load", item_type="Bug"))
    week = Numbers(events, "2026-07-03").window("7d", "Cards")
    assert week["velocity_by_type"] == {"defect": 1, "feature": 2, "other": 1}
    assert week["distribution"] == {"defect": 0.25, "feature": 0.5, "other": 0.25}


def test_percentiles_interpolate_linearly_between_closest_ranks() -> None:
    """Flow times of 1, 2, 3 and 10 days: numpy.percentile gives 2.5, 6.85 and 8.95."""
    events = [begin("2026-07-10", "Doing", str(days)) for days in (1, 2, 3, 10)]
    events += [change(f"2026-07-{10 + days}", "Done", str(days)) for days in (1, 2, 3, 10)]
    flow_time = Numbers(events, "2026-07-21").window("30d", "Cards")["flow_time"]
    assert (flow_time["count"], flow_time["mean"], flow_time["max"]) == (4, 4 * DAY, 10 * DAY)
    assert flow_time["p50"] == 2.5 * DAY
    assert flow_time["p85"] == pytest.approx(6.85 * DAY)
    assert flow_time["p95"] == pytest.approx(8.95 * DAY)


def test_a_window_holds_what_lies_after_its_begin_and_up_to_now() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-02T10:00", "Done")]
    times = ["2026-07-02T09:59", "2026-07-02T10:00", "2026-07-03T09:59", "2026-07-03T10:00"]
    assert [Numbers(events, time).velocity("1d", "Cards") for time in times] == [0, 1, 1, 0]


def test_where_nothing_happened_counts_are_zero_and_statistics_are_null() -> None:
    node = Numbers([], "2026-07-03").node("Invoices")
    nothing = {"count": 0, "mean": None, "p50": None, "p85": None, "p95": None, "max": None}
    estimated = {"points": 0, "unestimated": 0}
    assert node["load"] == {"items": 0, **estimated, "by_type": {}, "by_state": {}, "blocked": 0, "limit": None}
    assert node["age"] == nothing
    assert list(node["windows"]) == ["1d", "7d", "30d", "365d"]
    assert node["windows"]["7d"] == {
        "arrivals": 0,
        "velocity": 0,
        "velocity_points": 0,
        "unestimated": 0,
        "velocity_by_type": {},
        "without_start": 0,
        "flow_time": nothing,
        "active_seconds": 0.0,
        "elapsed_seconds": 0.0,
        "efficiency": None,
        "distribution": {},
        "state_seconds": {},
    }
