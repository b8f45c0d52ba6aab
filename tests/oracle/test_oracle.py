"""The oracle itself, against numbers worked out by hand.

The first six are the worked examples of public sources: Planview Viz, GitLab, Azure DevOps, Lighthouse
(twice) and Swarmia.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import yaml

from tests.oracle.brute_force import numbers
from tests.oracle.rules import Json

HOUR = 3600.0
DAY = 24 * HOUR

CONFIG: Json = yaml.safe_load("""
organisation:
  - value_stream: Payments
    load_limit: 10
    arts:
      - art: Checkout
        teams:
          - {team: Cards, load_limit: 4, owns: [{project: PAY, component: cards}]}
          - {team: Wallets}
      - art: Billing
        teams: [{team: Invoices, owns: [{project: [BILL, TAX], urgent: true}]}]
workflows:
  - name: strict
    applies_to: {source: strict}
    states: {new: [Backlog], active: [Doing], done: [Closed]}
    on_return: reset
  - name: delivery
    states:
      new: [Backlog, New]
      active: [Doing, Active]
      waiting: [Ready, Resolved]
      done: [Done, Closed]
      cancelled: [Dropped]
item_types: {feature: [Story], defect: [Bug]}
windows: [1d, 7d, 400d]
""")

_ids = iter(range(10**9))


def change(time: str, state: str | None = None, *, item: str = "1", **data: Any) -> Json:
    """Make an event of an item of team Wallets."""
    fields = {"item": item, "team": "Wallets"} | ({"state": state} if state else {}) | data
    return event(time, "flow.item.changed", fields)


def event(time: str, kind: str, data: Json) -> Json:
    """Make an event of any type, with an id of its own."""
    return {"id": f"e{next(_ids)}", "source": "tracker", "type": kind, "time": f"{time}+00:00", "data": data}


def deleted(time: str) -> Json:
    """Make the deletion of item 1."""
    return event(time, "flow.item.deleted", {"item": "1"})


def node(events: list[Json], at: str, *path: str) -> Json:
    """Compute the numbers of the node with this path; of the portfolio where there is none."""
    key = [*path, "", "", ""][:3]
    nodes = numbers(events, CONFIG, datetime.fromisoformat(f"{at}+00:00"))["nodes"]
    found = [n for n in nodes if [n["value_stream"], n["art"], n["team"]] == key]
    assert len(found) == 1
    return dict(found[0])


def window(events: list[Json], at: str, *path: str, length: str = "400d") -> Json:
    """Compute a node's numbers of a window, which by default is so long that it holds everything."""
    return dict(node(events, at, *path)["windows"][length])


def test_type_change_counts_load_by_the_type_of_the_day_and_velocity_by_the_type_at_the_finish() -> None:
    events = [
        change("2026-07-01T00:00", "Doing", item_type="Bug"),
        change("2026-07-05T00:00", item_type="Story"),
        change("2026-07-10T00:00", "Done"),
        change("2026-07-11T00:00", item_type="Bug"),
    ]
    assert node(events, "2026-07-04T23:59")["load"]["by_type"] == {"defect": 1}
    assert node(events, "2026-07-05T00:00")["load"]["by_type"] == {"feature": 1}
    assert node(events, "2026-07-09T23:59")["load"]["by_type"] == {"feature": 1}
    assert node(events, "2026-07-10T00:00")["load"]["by_type"] == {}
    assert window(events, "2026-07-12T00:00")["velocity_by_type"] == {"feature": 1}
    assert window(events, "2026-07-12T00:00")["distribution"] == {"feature": 1.0}


def test_a_state_entered_twice_gives_five_hours_elapsed_and_three_active() -> None:
    events = [
        change("2026-07-01T09:00", "Doing"),
        change("2026-07-01T10:00", "Ready"),
        change("2026-07-01T12:00", "Doing"),
        change("2026-07-01T14:00", "Done"),
    ]
    found = window(events, "2026-07-02T00:00")
    assert (found["elapsed_seconds"], found["active_seconds"]) == (5 * HOUR, 3 * HOUR)
    assert found["efficiency"] == pytest.approx(0.6)
    assert found["state_seconds"] == {"Doing": 3 * HOUR, "Ready": 2 * HOUR}


def test_a_reactivated_item_lasts_from_its_first_start_to_its_last_finish() -> None:
    days = ["New", "Active", "Resolved", "Closed", "New", "Active", "Closed"]
    events = [change(f"2026-07-{day:02}T00:00", state) for day, state in enumerate(days, start=1)]
    assert window(events, "2026-07-04T12:00")["flow_time"]["max"] == 2 * DAY
    assert window(events, "2026-07-06T12:00")["velocity"] == 0
    found = window(events, "2026-07-08T00:00")
    assert (found["velocity"], found["arrivals"]) == (1, 1)
    assert found["flow_time"]["max"] == 5 * DAY
    assert found["state_seconds"] == {"Active": 2 * DAY, "Resolved": DAY, "Closed": DAY, "New": DAY}


@pytest.mark.parametrize(
    ("source", "flow_times", "without_start"), [("tracker", 1, 0), ("strict", 0, 1)], ids=["keep", "reset"]
)
def test_return_and_direct_close_follow_the_policy(source: str, flow_times: int, without_start: int) -> None:
    events = [
        change("2024-09-26T00:00", "Backlog"),
        change("2024-09-27T00:00", "Doing"),
        change("2024-09-28T00:00", "Backlog"),
        change("2024-09-30T00:00", "Closed"),
    ]
    events = [one | {"source": source} for one in events]
    assert node(events, "2024-09-28T00:00")["load"]["items"] == 0
    found = window(events, "2024-10-01T00:00")
    assert found["velocity"] == 1
    assert (found["flow_time"]["count"], found["without_start"]) == (flow_times, without_start)
    assert found["flow_time"]["max"] == (3 * DAY if flow_times else None)
    assert found["arrivals"] == flow_times


def test_a_pause_counts_as_elapsed_and_not_as_active() -> None:
    events = [
        change("2026-01-01T00:00", "Doing"),
        change("2026-01-08T00:00", "New"),
        change("2026-04-08T00:00", "Doing"),
        change("2026-04-15T00:00", "Done"),
    ]
    found = window(events, "2026-04-16T00:00")
    assert (found["active_seconds"], found["elapsed_seconds"]) == (14 * DAY, 104 * DAY)


def test_ages_of_five_three_and_two_days() -> None:
    events = [
        change(f"2026-07-{day:02}T00:00", "Doing", item=str(day))
        for day in (5, 7, 8)
    ]  # fmt: skip
    age = node(events, "2026-07-10T00:00")["age"]
    assert (age["count"], age["max"], age["p50"]) == (3, 5 * DAY, 3 * DAY)
    assert age["mean"] * age["count"] == pytest.approx(10 * DAY)
    # Ranks 1.7 and 1.9 lie between 3 days (rank 1) and 5 days (rank 2).
    assert age["p85"] == pytest.approx(4.4 * DAY)
    assert age["p95"] == pytest.approx(4.8 * DAY)


def test_a_move_inside_an_art_is_seen_by_the_teams_only() -> None:
    events = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-03T00:00", project="PAY", component=["web", "cards"]),
        change("2026-07-04T00:00", "Done"),
        change("2026-07-05T00:00", component=None),
    ]
    art, wallets, cards = (
        ("Payments", "Checkout"),
        ("Payments", "Checkout", "Wallets"),
        ("Payments", "Checkout", "Cards"),
    )
    assert [node(events, "2026-07-02T00:00", *p)["load"]["items"] for p in (art, wallets, cards)] == [1, 1, 0]
    assert [node(events, "2026-07-03T00:00", *p)["load"]["items"] for p in (art, wallets, cards)] == [1, 0, 1]
    at_end = [window(events, "2026-07-06T00:00", *p) for p in (art, wallets, cards)]
    assert [found["velocity"] for found in at_end] == [1, 0, 1]
    assert [found["arrivals"] for found in at_end] == [1, 1, 0]
    assert [found["flow_time"]["max"] for found in at_end] == [3 * DAY, None, 3 * DAY]


def test_the_window_leaves_out_its_begin_and_holds_its_end() -> None:
    events = [change("2026-07-01T00:00", "Doing"), change("2026-07-02T00:00", "Done")]
    for at, arrivals, velocity in [
        ("2026-07-01T00:00", 1, 0),
        ("2026-07-02T00:00", 0, 1),
        ("2026-07-02T23:59:59.999999", 0, 1),
        ("2026-07-03T00:00", 0, 0),
    ]:
        found = window(events, at, length="1d")
        assert (found["arrivals"], found["velocity"]) == (arrivals, velocity), at


def test_blocked_is_an_overlay_that_is_not_active_and_ends_with_the_item() -> None:
    events = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-02T00:00", blocked="true"),
        change("2026-07-03T00:00", "Ready"),
        change("2026-07-04T00:00", "Done"),
        change("2026-07-05T00:00", "Doing"),
        change("2026-07-06T00:00", "Done"),
    ]
    assert [node(events, f"2026-07-0{day}T00:00")["load"]["blocked"] for day in range(1, 7)] == [
        0,
        1,
        1,
        0,
        0,
        0,
    ]
    found = window(events, "2026-07-06T00:00")
    assert (found["active_seconds"], found["elapsed_seconds"]) == (2 * DAY, 5 * DAY)
    assert found["state_seconds"] == {"Doing": 3 * DAY, "Ready": DAY, "Done": DAY}


def test_deletion_leaves_load_and_lets_start_and_finish_stand() -> None:
    events = [change("2026-07-01T00:00", "Doing"), deleted("2026-07-02T00:00")]
    assert node(events, "2026-07-02T00:00")["load"]["items"] == 0
    assert window(events, "2026-07-02T00:00")["arrivals"] == 1
    titled = [*events, change("2026-07-03T00:00", title="still gone")]
    assert node(titled, "2026-07-04T00:00")["load"]["items"] == 0
    restored = [*events, change("2026-07-03T00:00", "Doing")]
    assert node(restored, "2026-07-04T00:00")["age"]["max"] == 3 * DAY
    finished = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-02T00:00", "Done"),
        deleted("2026-07-03T00:00"),
    ]
    assert window(finished, "2026-07-04T00:00")["flow_time"]["max"] == DAY


def test_erasure_removes_the_item_from_every_number() -> None:
    events = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-02T00:00", "Done"),
        event("2026-07-03T00:00", "flow.item.erased", {"item": "1"}),
        change("2026-07-04T00:00", "Doing"),
    ]
    assert window(events, "2026-07-02T12:00")["velocity"] == 1
    assert node(events, "2026-07-05T00:00") == node([], "2026-07-05T00:00")


def test_cancelled_and_unmapped_are_in_no_count_and_done_to_done_is_no_finish() -> None:
    events = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-02T00:00", "Dropped"),
        change("2026-07-01T00:00", "Limbo", item="2"),
        change("2026-07-01T00:00", "Done", item="3"),
        change("2026-07-04T00:00", "Closed", item="3"),
    ]
    assert node(events, "2026-07-05T00:00")["load"]["items"] == 0
    assert window(events, "2026-07-05T00:00")["velocity"] == 1
    assert window(events, "2026-07-05T00:00", length="1d")["velocity"] == 0


def test_previous_state_is_neither_start_nor_finish() -> None:
    at = "2026-07-05T00:00"
    was_active = [change("2026-07-01T00:00", "Ready", previous_state="Doing")]
    assert node(was_active, at)["age"]["max"] == 4 * DAY
    was_done = [change("2026-07-01T00:00", "Closed", previous_state="Done")]
    assert window(was_done, at)["velocity"] == 0
    came_to_done = [change("2026-07-01T00:00", "Closed", previous_state="Doing")]
    assert window(came_to_done, at)["without_start"] == 1
    no_state = [change("2026-07-01T00:00", previous_state="Doing"), change("2026-07-03T00:00", "Done")]
    assert window(no_state, at)["flow_time"]["max"] == 2 * DAY


def test_time_then_sequence_then_id_decide_and_copies_are_one_event() -> None:
    tied = [
        change("2026-07-01T00:00", "Done") | {"sequence": "2", "id": "a"},
        change("2026-07-01T00:00", "Doing") | {"sequence": "10", "id": "b"},
        change("2026-07-01T00:00", "New") | {"id": "c"},
    ]
    assert window(tied, "2026-07-02T00:00")["flow_time"]["max"] == 0.0
    assert window(tied, "2026-07-02T00:00")["efficiency"] is None
    by_id = [one | {"sequence": "1"} for one in tied]
    assert node(by_id, "2026-07-02T00:00")["load"]["items"] == 0
    assert window(by_id, "2026-07-02T00:00")["velocity"] == 0
    copies = [change("2026-07-01T00:00", "Doing"), change("2026-07-03T00:00", "Done")]
    copies = [one | {"id": "same"} for one in copies]
    assert node(copies[::-1], "2026-07-04T00:00")["age"]["max"] == 3 * DAY


def test_items_that_nobody_owns_count_under_unassigned_at_three_levels() -> None:
    nobody = change("2026-07-01T00:00", "Doing", team="Nobody", project="TAX", urgent=False)
    found = numbers([nobody], CONFIG, datetime.fromisoformat("2026-07-02T00:00+00:00"))["nodes"]
    unassigned = [n for n in found if n["value_stream"] == "unassigned"]
    assert sorted(n["level"] for n in unassigned) == ["art", "team", "value_stream"]
    assert all(n["load"]["items"] == 1 for n in unassigned)
    unmapped = change("2026-07-01T00:00", "Limbo", team="Nobody")
    assert node([unmapped], "2026-07-02T00:00", "unassigned")["load"]["items"] == 0
    owned = [nobody, change("2026-07-01T12:00", team="Nobody", urgent=True)]
    assert node(owned, "2026-07-02T00:00", "Payments", "Billing", "Invoices")["load"]["items"] == 1
    elsewhere = numbers([change("2026-07-01T00:00", "Doing")], CONFIG, datetime.fromisoformat("2026-07-02T00:00Z"))
    assert len(elsewhere["nodes"]) == 7
    assert [n["load"]["limit"] for n in elsewhere["nodes"]] == [None, 10, None, None, 4, None, None]


def test_a_change_of_workflow_is_an_entry_at_that_event() -> None:
    events = [
        change("2026-07-01T00:00", "Ready"),
        change("2026-07-02T00:00") | {"source": "strict"},
        change("2026-07-03T00:00"),
    ]
    assert [node(events, f"2026-07-0{day}T00:00")["load"]["items"] for day in (1, 2, 3)] == [1, 0, 1]
    assert node(events, "2026-07-03T00:00")["age"]["max"] == 2 * DAY


def test_a_change_of_workflow_within_new_is_no_return_that_could_reset() -> None:
    events = [
        change("2026-07-01T00:00", "Doing"),
        change("2026-07-02T00:00", "Backlog"),
        change("2026-07-03T00:00") | {"source": "strict"},
        change("2026-07-04T00:00", "Closed") | {"source": "strict"},
    ]
    assert window(events, "2026-07-05T00:00")["flow_time"]["max"] == 3 * DAY


def test_a_life_without_a_state_counts_nowhere() -> None:
    events = [change("2026-07-01T00:00", item_type="Story"), deleted("2026-07-02T00:00")]
    assert node(events[:1], "2026-07-03T00:00") == node([], "2026-07-03T00:00")
    assert node(events, "2026-07-03T00:00") == node([], "2026-07-03T00:00")


def test_events_after_the_instant_change_nothing_and_an_objective_changes_no_item_of_its_name() -> None:
    objective = {"objective": "1", "pi": "2026.3", "team": "Cards", "state": "Done"}
    events = [
        change("2026-07-01T00:00", "Doing"),
        event("2026-07-01T00:00", "flow.objective.changed", objective),
        change("2026-07-03T00:00", "Done"),
    ]
    with_objective = node(events, "2026-07-02T00:00")
    assert with_objective.pop("predictability") == {
        "2026.3": {"planned": 0.0, "actual": 0.0, "projected": 0.0, "ratio": None}
    }
    without = node(events[:1], "2026-07-02T00:00")
    assert without.pop("predictability") == {}
    assert with_objective == without
