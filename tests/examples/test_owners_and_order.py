"""The rules of docs/metrics.md, one by one: moves between owners, late, future and simultaneous events, duplicates."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.examples.stories import DAY, Json, Numbers, begin, change


@pytest.mark.parametrize(
    ("to", "unmoved", "loads"),
    [
        ("Wallets", "Checkout", {"Cards": 0, "Wallets": 1, "Checkout": 1, "Payments": 1, "": 1}),
        ("Invoices", "Payments", {"Cards": 0, "Checkout": 0, "Invoices": 1, "Billing": 1, "Payments": 1, "": 1}),
        ("Credit", "", {"Cards": 0, "Payments": 0, "Credit": 1, "Loans": 1, "Lending": 1, "": 1}),
    ],
    ids=["between teams", "between ARTs", "between value streams"],
)
def test_a_move_takes_load_along_and_is_nothing_to_a_common_ancestor(
    to: str, unmoved: str, loads: dict[str, int]
) -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-03", team=to)]
    after = Numbers(events, "2026-07-04")
    assert {name: after.load(name) for name in loads} == loads
    assert after.node(unmoved) == Numbers(events[:1], "2026-07-04").node(unmoved)
    assert after.window("7d", "Cards")["arrivals"] == 1
    assert after.window("7d", to)["arrivals"] == 0
    assert after.node(to)["age"]["max"] == 3 * DAY


@pytest.mark.parametrize("to", ["Wallets", "Invoices", "Credit"])
def test_after_a_move_velocity_and_the_whole_flow_time_go_to_the_owner_at_the_finish(to: str) -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-03", team=to), change("2026-07-06", "Done")]
    numbers = Numbers(events, "2026-07-07")
    assert (numbers.velocity("7d", "Cards"), numbers.velocity("7d", to)) == (0, 1)
    assert numbers.window("7d", to)["flow_time"]["max"] == 5 * DAY


def test_a_late_event_moves_every_number_it_touches() -> None:
    punctual = [begin("2026-07-03", "Doing"), change("2026-07-06", "Done")]
    assert Numbers(punctual, "2026-07-07").window("30d", "Cards")["flow_time"]["max"] == 3 * DAY
    late = [*punctual, change("2026-07-01", "Ready", team="Wallets")]
    numbers = Numbers(late, "2026-07-07")
    assert numbers.window("30d", "Cards")["flow_time"]["max"] == 5 * DAY
    assert numbers.window("30d", "Cards")["state_seconds"] == {"Ready": 2 * DAY, "Doing": 3 * DAY}
    assert [numbers.window("30d", name)["arrivals"] for name in ("Cards", "Wallets")] == [0, 1]


def test_an_event_in_the_future_counts_once_its_time_has_come() -> None:
    events = [begin("2026-07-01", "Doing"), change("2026-07-05", "Done")]
    before, after = Numbers(events, "2026-07-04"), Numbers(events, "2026-07-05")
    assert (before.load("Cards"), before.velocity("7d", "Cards")) == (1, 0)
    assert (after.load("Cards"), after.velocity("7d", "Cards")) == (0, 1)


def test_an_item_that_is_all_future_is_not_known_yet() -> None:
    numbers = Numbers([begin("2026-07-05", "Doing")], "2026-07-04")
    assert (numbers.load(), numbers.states("Cards"), numbers.window("365d")["arrivals"]) == (0, {}, 0)


def test_at_one_time_the_sequence_decides_as_text_then_the_id() -> None:
    first: Json = begin("2026-07-01", "Backlog")
    tied = [
        {**change("2026-07-02", "Done"), "sequence": "0010", "id": "a"},
        {**change("2026-07-02", "Doing"), "sequence": "0009", "id": "z"},
        {**change("2026-07-02", "Ready"), "id": "b"},
        {**change("2026-07-02", "Review"), "id": "c"},
    ]
    # Without a sequence comes first: b, c; then 0009, then 0010.
    for order in permutations(tied):
        assert Numbers([first, *order], "2026-07-03").states("Cards") == {"Done": 1}
    for order in permutations(tied[1:]):
        assert Numbers([*order, first], "2026-07-03").states("Cards") == {"Doing": 1}
    for order in permutations(tied[2:]):
        assert Numbers([*order, first], "2026-07-03").states("Cards") == {"Review": 1}


def test_a_start_and_a_finish_at_one_time_make_a_flow_time_of_zero() -> None:
    events = [
        {**begin("2026-07-01", "Doing"), "sequence": "1"},
        {**change("2026-07-01", "Done"), "sequence": "2"},
    ]
    week = Numbers(events, "2026-07-02").window("7d", "Cards")
    assert (week["flow_time"]["max"], week["without_start"], week["state_seconds"]) == (0.0, 0, {})
    assert week["efficiency"] is None


def test_what_arrives_twice_counts_once_and_one_id_of_two_sources_is_two_events() -> None:
    first, second = begin("2026-07-01", "Doing"), change("2026-07-02", "Done")
    once = Numbers([first, second], "2026-07-03").node()
    assert Numbers([second, first, second, first], "2026-07-03").node() == once
    elsewhere = {**change("2026-07-02T12:00", "Doing"), "id": second["id"], "source": "jira/other"}
    assert Numbers([first, second, elsewhere], "2026-07-03").load("Cards") == 1
