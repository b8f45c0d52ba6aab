"""How long work has been blocked, what is older than its team's own line, and states without a meaning."""

from __future__ import annotations

import pytest

from tests.examples.stories import DAY, HOUR, Json, Numbers, begin, change, delete, event


def blocked(events: list[Json], at: str, name: str = "Cards") -> float | None:
    """Give how long the longest-blocked item in progress of a node has been blocked."""
    found: float | None = Numbers(events, at).node(name)["blocked_age_max"]
    return found


def test_blocked_again_counts_from_the_latest_block() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        change("2026-07-02", blocked=True),
        change("2026-07-05", blocked=False),
        change("2026-07-08T12:00", blocked=True),
    ]
    days = ("2026-07-01", "2026-07-02", "2026-07-04", "2026-07-05", "2026-07-08T12:00", "2026-07-10")
    assert [blocked(events, day) for day in days] == [None, 0, 2 * DAY, None, 0, 1.5 * DAY]


def test_blocked_said_twice_counts_from_the_first_time() -> None:
    events = [
        begin("2026-07-01", "Doing", blocked=True),
        change("2026-07-03", blocked=True),
        change("2026-07-04", "Ready"),
        change("2026-07-05", "Doing", blocked=True),
        change("2026-07-06", team="Wallets"),
    ]
    assert blocked(events, "2026-07-05T01:00") == 4 * DAY + HOUR
    assert (blocked(events, "2026-07-07"), blocked(events, "2026-07-07", "Wallets")) == (None, 6 * DAY)
    assert blocked(events, "2026-07-07", "Checkout") == 6 * DAY


def test_blocked_before_the_work_began_counts_from_the_block_once_it_is_in_progress() -> None:
    events = [
        begin("2026-07-01", "Backlog"),
        change("2026-07-02", blocked=True),
        change("2026-07-05", "Doing"),
        change("2026-07-07", "Backlog"),
        change("2026-07-09", "Doing"),
    ]
    days = ("2026-07-04", "2026-07-05", "2026-07-06", "2026-07-08", "2026-07-09")
    assert [blocked(events, day) for day in days] == [None, 3 * DAY, 4 * DAY, None, 7 * DAY]


@pytest.mark.parametrize("end", ["Done", "Dropped"])
def test_a_block_ends_with_the_item_and_is_not_back_when_the_item_is(end: str) -> None:
    events = [
        begin("2026-07-01", "Doing", blocked=True),
        change("2026-07-03", end),
        change("2026-07-05", "Doing"),
        change("2026-07-06", blocked=True),
    ]
    days = ("2026-07-02", "2026-07-03", "2026-07-05T12:00", "2026-07-07")
    assert [blocked(events, day) for day in days] == [DAY, None, None, DAY]


def test_a_deleted_item_blocks_nothing() -> None:
    events = [begin("2026-07-01", "Doing", blocked=True), delete("2026-07-03")]
    assert [blocked(events, day) for day in ("2026-07-02", "2026-07-04")] == [DAY, None]


def test_of_several_blocked_items_the_longest_counts_at_each_level() -> None:
    events = [
        begin("2026-07-01", "Doing", "1", blocked=True),
        begin("2026-07-02", "Doing", "2", blocked=True),
        begin("2026-07-03", "Doing", "3", blocked=True, team="Credit"),
        begin("2026-06-01", "Doing", "4"),
        change("2026-07-05", item="1", blocked=False),
    ]
    names = ("Cards", "Checkout", "Payments", "Credit", "Lending", "", "Invoices")
    assert [blocked(events, "2026-07-04", name) for name in names] == [3 * DAY] * 3 + [DAY] * 2 + [3 * DAY, None]
    assert [blocked(events, "2026-07-06", name) for name in names] == [4 * DAY] * 3 + [3 * DAY] * 2 + [4 * DAY, None]


def finished(item: str, days: int, team: str = "Cards") -> list[Json]:
    """Make an item that was finished on 1 July after that many days."""
    return [begin(f"2026-06-{31 - days:02}", "Doing", item, team=team), change("2026-07-01", "Done", item)]


def ageing(events: list[Json], at: str, name: str = "Cards") -> int | None:
    """Give how many items in progress of a node are older than its own line."""
    found: int | None = Numbers(events, at).node(name)["ageing"]
    return found


def test_ageing_is_what_is_older_than_85_percent_of_what_the_team_finished() -> None:
    # 2 and 12 days: the line lies at 2 + 0.85 x 10 = 10.5 days.
    events = [
        *finished("1", 2),
        *finished("2", 12),
        begin("2026-07-01", "Doing", "3"),
        begin("2026-07-03", "Ready", "4"),
    ]
    found = [ageing(events, day) for day in ("2026-07-11T12:00", "2026-07-11T12:01", "2026-07-14")]
    assert found == [0, 1, 2]


def test_an_item_as_old_as_the_line_is_not_ageing_yet() -> None:
    events = [*finished("1", 5), begin("2026-07-01", "Doing", "2")]
    assert [ageing(events, day) for day in ("2026-07-06", "2026-07-06T00:01")] == [0, 1]


def test_where_nothing_measured_was_finished_there_is_no_line() -> None:
    without_start = [begin("2026-07-01", "Backlog", "1"), change("2026-07-02", "Done", "1")]
    assert ageing([begin("2026-07-01", "Doing")], "2026-09-01") is None
    assert ageing([*without_start, begin("2026-07-01", "Doing", "2")], "2026-09-01") is None


def test_the_line_is_of_the_longest_window_and_leaves_with_it() -> None:
    events = [*finished("1", 5), begin("2026-07-01", "Doing", "2")]
    assert ageing(events, "2027-06-30T23:59") == 1
    assert ageing(events, "2027-07-01") is None


def test_each_node_has_a_line_of_its_own() -> None:
    events = [
        *finished("1", 2),
        *finished("2", 20, "Wallets"),
        begin("2026-07-01", "Doing", "3"),
        begin("2026-07-01", "Doing", "4", team="Wallets"),
    ]
    # After five days: Cards' line lies at 2 days, that of Wallets at 20, that of both at 2 + 0.85 x 18 = 17.3.
    assert [ageing(events, "2026-07-06", name) for name in ("Cards", "Wallets", "Checkout")] == [1, 0, 0]
    assert [ageing(events, "2026-07-19", name) for name in ("Cards", "Wallets", "Checkout")] == [1, 0, 2]


def test_unmapped_states_are_counted_by_the_source_that_last_spoke_of_the_item() -> None:
    limbo = {"item": "2", "team": "Cards", "state": "In Limbo"}
    events = [
        begin("2026-07-01", "In Limbo", "1"),
        event("2026-07-01", limbo, source="hub"),
        begin("2026-07-01", "On Hold", "3"),
        begin("2026-07-01", "Doing", "4"),
        change("2026-07-03", "Doing", "1"),
        delete("2026-07-05", "3"),
        event("2026-07-06", {"item": "2", "points": 3}),
    ]
    found = [Numbers(events, f"2026-07-0{day}").node("Checkout")["unmapped"] for day in (2, 4, 5, 6)]
    assert found == [
        {"hub": {"In Limbo": 1}, "jira/acme": {"In Limbo": 1, "On Hold": 1}},
        {"hub": {"In Limbo": 1}, "jira/acme": {"On Hold": 1}},
        {"hub": {"In Limbo": 1}},
        {"jira/acme": {"In Limbo": 1}},
    ]
    assert Numbers(events, "2026-07-02").node("Wallets")["unmapped"] == {}
