"""The rules of docs/metrics.md, one by one: load, blocked, cancelled, deleted, erased, unmapped, mid-life, age."""

from __future__ import annotations

from tests.examples.stories import DAY, HOUR, Numbers, begin, change, delete, erase, event


def test_load_is_what_is_active_or_waiting_under_the_owner_and_type_it_has_now() -> None:
    events = [
        begin("2026-07-01", "Doing", "1"),
        begin("2026-07-01", "Ready", "2", item_type="Bug"),
        begin("2026-07-01", "Backlog", "3"),
        begin("2026-07-01", "Done", "4"),
        begin("2026-07-01", "Dropped", "5"),
        begin("2026-07-01", "Review", "6", team="Wallets", item_type="Epic"),
        change("2026-07-02", item="1", item_type="Bug"),
    ]
    numbers = Numbers(events, "2026-07-03")
    assert numbers.node("Cards")["load"] == {
        "items": 2,
        "points": 0,
        "unestimated": 2,
        "by_type": {"defect": 2},
        "by_state": {"Doing": 1, "Ready": 1},
        "blocked": 0,
        "limit": 2,
    }
    assert numbers.node("Wallets")["load"]["by_type"] == {"other": 1}
    assert [numbers.load(name) for name in ("Checkout", "Billing", "Payments", "Lending", "")] == [3, 0, 3, 0, 3]
    assert numbers.node("Payments")["load"]["limit"] == 20
    assert numbers.states("Cards") == {"Doing": 1, "Ready": 1, "Backlog": 1, "Done": 1, "Dropped": 1}


def test_age_is_now_less_the_start_of_the_items_in_load() -> None:
    events = [
        begin("2026-07-01", "Backlog"),
        change("2026-07-03", "Doing"),
        change("2026-07-04", "Ready"),
        begin("2026-07-09", "Doing", "2"),
        begin("2026-07-01", "Doing", "3"),
        change("2026-07-02", "Done", "3"),
    ]
    age = Numbers(events, "2026-07-10").node("Cards")["age"]
    assert (age["count"], age["mean"], age["p50"], age["max"]) == (2, 4 * DAY, 4 * DAY, 7 * DAY)
    assert age["p85"] == 1 * DAY + 0.85 * 6 * DAY


def test_a_return_to_new_leaves_load_at_once_and_keeps_the_age() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        change("2026-07-02", "To Do"),
        change("2026-07-05", "Doing"),
    ]
    assert Numbers(events, "2026-07-03").node("Cards")["age"]["count"] == 0
    assert Numbers(events, "2026-07-06").node("Cards")["age"]["max"] == 5 * DAY


def test_blocked_is_an_overlay_that_counts_as_waiting_and_ends_when_the_item_ends() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        change("2026-07-02", blocked=True),
        change("2026-07-03", "Ready"),
        change("2026-07-04", "Doing"),
        change("2026-07-05", blocked=False),
        change("2026-07-06", blocked=True),
        change("2026-07-07", "Done"),
        change("2026-07-08", "Doing"),
    ]
    blocked = [Numbers(events, f"2026-07-{day:02}T12:00").node("Cards")["load"]["blocked"] for day in range(1, 9)]
    assert blocked == [0, 1, 1, 1, 0, 1, 0, 0]
    assert [Numbers(events, f"2026-07-{day:02}T12:00").load("Cards") for day in range(1, 9)] == [1] * 6 + [0, 1]
    week = Numbers(events, "2026-07-07T12:00").window("7d", "Cards")
    # Active and not blocked: 1-2 July, 5-6 July. Ready on 3-4 July is waiting twice over, and counted once.
    assert (week["active_seconds"], week["elapsed_seconds"]) == (2 * DAY, 6 * DAY)
    assert week["state_seconds"] == {"Doing": 5 * DAY, "Ready": DAY}


def test_cancelled_leaves_load_and_is_never_in_velocity_or_flow_time() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-02", "Dropped")]
    numbers = Numbers(events, "2026-07-03").node("Cards")
    assert numbers["load"]["items"] == numbers["windows"]["7d"]["velocity"] == 0
    assert numbers["windows"]["7d"]["flow_time"]["count"] == 0
    assert numbers["windows"]["7d"]["arrivals"] == 1


def test_a_cancelled_item_that_is_taken_up_again_is_as_old_as_its_first_start() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-02", "Dropped"), change("2026-07-04", "Doing")]
    assert Numbers(events, "2026-07-05").node("Cards")["age"]["max"] == 4 * DAY


def test_deleted_leaves_load_at_its_event_time_and_lets_a_finish_before_it_stand() -> None:
    events = [
        begin("2026-07-01", "Doing", "1"),
        delete("2026-07-03", "1"),
        begin("2026-07-01", "Doing", "2"),
        change("2026-07-02", "Done", "2"),
        delete("2026-07-03", "2"),
    ]
    assert Numbers(events, "2026-07-02T12:00").load("Cards") == 1
    numbers = Numbers(events, "2026-07-03")
    assert (numbers.load("Cards"), numbers.velocity("7d", "Cards"), numbers.states("Cards")) == (0, 1, {})


def test_fields_that_a_deletion_carries_change_nothing() -> None:
    """Only a change gives fields values: a tracker that sends the last picture of what it deletes finishes nothing."""
    events = [begin("2026-07-01", "Doing"), delete("2026-07-03", state="Done", team="Wallets", item_type="Bug")]
    numbers = Numbers(events, "2026-07-04")
    assert [numbers.velocity("7d", name) for name in ("Cards", "Wallets")] == [0, 0]
    back = Numbers([*events, change("2026-07-05", "Doing")], "2026-07-06").node("Cards")
    assert back["load"]["by_type"] == {"feature": 1}


def test_a_deleted_item_that_gets_a_state_again_is_back_with_its_first_start() -> None:
    events = [
        begin("2026-07-01", "Doing"),
        delete("2026-07-02"),
        change("2026-07-03", points=5),
        change("2026-07-04", "Ready"),
    ]
    assert Numbers(events, "2026-07-03T12:00").load("Cards") == 0
    assert Numbers(events, "2026-07-05").node("Cards")["age"]["max"] == 4 * DAY


def test_erased_is_in_no_number_whenever_its_events_come() -> None:
    events = [
        erase("2026-07-04"),
        begin("2026-07-01", "Doing"),
        change("2026-07-02", "Done"),
        change("2026-07-05", "Doing"),
        begin("2026-07-01", "Doing", "2"),
    ]
    before = Numbers(events, "2026-07-03")
    assert (before.load("Cards"), before.velocity("7d", "Cards")) == (1, 1)
    after = Numbers(events, "2026-07-06")
    assert (after.load("Cards"), after.velocity("7d", "Cards"), after.window("7d", "Cards")["arrivals"]) == (1, 0, 1)
    assert after.states("Cards") == {"Doing": 1}


def test_an_unmapped_state_is_no_load_and_is_reported_by_its_name() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-02", "In Limbo"), change("2026-07-04", "Done")]
    limbo = Numbers(events, "2026-07-03")
    assert (limbo.load("Cards"), limbo.states("Cards")) == (0, {"In Limbo": 1})
    week = Numbers(events, "2026-07-05").window("7d", "Cards")
    assert week["flow_time"]["max"] == 3 * DAY
    assert week["state_seconds"] == {"Doing": DAY, "In Limbo": 2 * DAY}


def test_first_seen_in_mid_life_its_age_is_a_lower_bound() -> None:
    numbers = Numbers([begin("2026-07-02", "Review")], "2026-07-03")
    assert (numbers.load("Cards"), numbers.lower_bounds("Cards")) == (1, 1)
    assert numbers.node("Cards")["age"]["max"] == DAY


def test_first_seen_with_a_previous_state_before_the_start_its_age_is_exact() -> None:
    numbers = Numbers([begin("2026-07-02", "Doing", previous_state="Backlog")], "2026-07-03")
    assert (numbers.load("Cards"), numbers.lower_bounds("Cards")) == (1, 0)


def test_first_seen_with_a_previous_state_in_progress_its_age_is_a_lower_bound() -> None:
    numbers = Numbers([begin("2026-07-02", "Review", previous_state="Doing")], "2026-07-03")
    assert (numbers.load("Cards"), numbers.lower_bounds("Cards")) == (1, 1)


def test_first_seen_with_a_previous_state_done_no_new_finish_is_counted() -> None:
    numbers = Numbers([begin("2026-07-02", "Released", previous_state="Done")], "2026-07-03")
    assert numbers.velocity("7d", "Cards") == 0
    assert numbers.states("Cards") == {"Released": 1}


def test_first_seen_by_another_field_the_previous_state_is_the_state() -> None:
    events = [change("2026-07-02", team="Cards", item_type="Bug", previous_state="Doing")]
    numbers = Numbers(events, "2026-07-03")
    assert numbers.node("Cards")["load"]["by_state"] == {"Doing": 1}
    assert numbers.lower_bounds("Cards") == 1


def test_an_item_without_a_state_is_in_no_count() -> None:
    numbers = Numbers([change("2026-07-02", team="Cards", points=3)], "2026-07-03")
    assert (numbers.load(), numbers.states("Cards")) == (0, {})


def test_items_that_nobody_owns_count_under_unassigned_at_every_level() -> None:
    numbers = Numbers([begin("2026-07-02", "Doing", team="Ghosts")], "2026-07-03")
    names = ("team unassigned", "art unassigned", "value_stream unassigned", "")
    assert [numbers.load(name) for name in names] == [1, 1, 1, 1]


def test_an_objective_is_no_item() -> None:
    data = {"objective": "1", "pi": "2026.3", "team": "Cards", "committed": True, "planned_value": 8}
    numbers = Numbers([event("2026-07-01", data, "flow.objective.changed")], "2026-07-02")
    assert numbers.load() == 0
    assert numbers.node("Cards")["windows"]["1d"]["state_seconds"] == {}


def test_an_hour_is_3600_seconds_of_age() -> None:
    assert Numbers([begin("2026-07-01T10:00", "Doing")], "2026-07-01T11:00").node()["age"]["mean"] == HOUR
