"""SAFe's predictability: actual business value of all objectives / planned value of the committed ones, by PI."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.examples.stories import FLOW, Json, Numbers, begin, delete, erase, objective, plan

# ARTs Billing and Loans each have a team of the name Twins.
NAMESAKES = FLOW.replace("{team: Invoices}", "{team: Invoices}, {team: Twins, owns: [{project: B}]}").replace(
    "{team: Credit}", "{team: Credit}, {team: Twins, owns: [{project: L}]}"
)


TEAMS = ("Cards", "Wallets", "team unassigned")
LISTED = f"""{FLOW}program_increments:
  - {{name: "2026.3", start: 2026-07-01, end: 2026-09-30}}
  - {{name: "2026.4", start: 2026-10-01, end: 2026-12-10}}
"""


def values(planned: float, actual: float, projected: float, ratio: float | None) -> Json:
    """Write what a PI comes to."""
    return {"planned": planned, "actual": actual, "projected": projected, "ratio": ratio}


def test_planned_counts_the_committed_and_actual_counts_all_so_more_than_all_is_possible() -> None:
    events = [
        plan("2026-07-01", "A", actual_value=10),
        plan("2026-07-01", "B", actual_value=8),
        plan("2026-07-01", "C", committed=False, planned_value=5, actual_value=4),
    ]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(20, 22, 22, 1.1)}


def test_without_the_stretch_objective_the_same_team_is_at_nine_tenths() -> None:
    events = [plan("2026-07-01", "A", actual_value=10), plan("2026-07-01", "B", actual_value=8)]
    assert Numbers(events, "2026-10-01").increments("Cards")["2026.3"]["ratio"] == pytest.approx(0.9)


def test_an_objective_is_committed_unless_marked_otherwise() -> None:
    events = [
        plan("2026-07-01", "A"),
        plan("2026-07-01", "B", committed=True),
        plan("2026-07-01", "C", committed=False),
        plan("2026-07-01", "D", committed=None),
    ]
    assert Numbers(events, "2026-07-02").increments("Cards")["2026.3"]["planned"] == 20


def test_an_uncommitted_objective_without_actual_value_is_in_no_sum() -> None:
    events = [plan("2026-07-01", "A", committed=False)]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(0, 0, 0, None)}


def test_what_was_achieved_without_a_plan_has_no_ratio() -> None:
    events = [plan("2026-07-01", "A", committed=False, actual_value=4)]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(0, 4, 4, None)}


def test_during_the_increment_the_projection_takes_the_plan_where_nothing_is_assessed_yet() -> None:
    events = [
        plan("2026-07-01", "A"),
        plan("2026-07-01", "B"),
        plan("2026-07-01", "C", committed=False),
        objective("2026-08-10", "A", actual_value=6),
        objective("2026-09-29", "B", actual_value=0),
        objective("2026-09-29", "C", actual_value=7),
    ]
    first_day, midway, end = (
        Numbers(events, day).increments("Cards") for day in ("2026-07-01", "2026-08-15", "2026-10-01")
    )
    assert first_day == {"2026.3": values(20, 0, 20, 0)}
    assert midway == {"2026.3": values(20, 6, 16, 0.3)}
    # An actual value of 0 is an assessment: nothing is projected beside it.
    assert end == {"2026.3": values(20, 13, 13, 0.65)}


def test_a_commitment_taken_back_leaves_the_plan_and_keeps_what_was_achieved() -> None:
    events = [plan("2026-07-01"), objective("2026-07-20", committed=False), objective("2026-09-29", actual_value=9)]
    assert Numbers(events, "2026-07-19").increments("Cards") == {"2026.3": values(10, 0, 10, 0)}
    assert Numbers(events, "2026-07-20").increments("Cards") == {"2026.3": values(0, 0, 0, None)}
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(0, 9, 9, None)}


@pytest.mark.parametrize("corrected", [6, 0, 12.5])
def test_a_correction_replaces_the_value_from_its_time_on(corrected: float) -> None:
    events = [
        plan("2026-07-01"),
        objective("2026-09-29", actual_value=8),
        objective("2026-10-02", actual_value=corrected),
    ]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(10, 8, 8, 0.8)}
    assert Numbers(events, "2026-10-02").increments("Cards") == {
        "2026.3": values(10, corrected, corrected, corrected / 10)
    }


def test_a_value_withdrawn_is_as_if_it_had_not_been_given() -> None:
    events = [plan("2026-07-01", actual_value=8), objective("2026-07-05", actual_value=None)]
    assert Numbers(events, "2026-07-06").increments("Cards") == {"2026.3": values(10, 0, 10, 0)}
    unplanned = [*events, objective("2026-07-07", planned_value=None)]
    assert Numbers(unplanned, "2026-07-08").increments("Cards") == {"2026.3": values(0, 0, 0, None)}


def test_events_stand_at_their_time_in_whatever_order_and_number_they_come() -> None:
    events = [
        plan("2026-07-01"),
        objective("2026-07-20", planned_value=20),
        objective("2026-09-29", actual_value=8),
        objective("2026-10-02", actual_value=16),
    ]
    for order in permutations(events):
        found = Numbers([*order, order[0]], "2026-10-05").increments("Cards")
        assert found == {"2026.3": values(20, 16, 16, 0.8)}, order


def test_an_assessment_after_the_end_still_belongs_to_its_increment() -> None:
    events = [plan("2026-07-01"), plan("2026-10-01", "B", pi="2026.4"), objective("2026-11-15", actual_value=7)]
    assert Numbers(events, "2026-11-14").increments("Cards")["2026.3"] == values(10, 0, 10, 0)
    assert Numbers(events, "2026-11-15").increments("Cards") == {
        "2026.3": values(10, 7, 7, 0.7),
        "2026.4": values(10, 0, 10, 0),
    }


def test_an_objective_moved_to_another_increment_leaves_the_first_without_a_trace() -> None:
    events = [plan("2026-07-01"), objective("2026-09-15", pi="2026.4")]
    assert list(Numbers(events, "2026-09-14").increments("Cards")) == ["2026.3"]
    assert Numbers(events, "2026-09-15").increments("Cards") == {"2026.4": values(10, 0, 10, 0)}


def test_an_objective_removed_from_all_increments_is_in_no_number() -> None:
    events = [plan("2026-07-01"), objective("2026-09-15", pi=None)]
    assert Numbers(events, "2026-09-15").increments("") == {}
    assert Numbers([objective("2026-07-01", team="Cards", planned_value=3)], "2026-07-02").increments("") == {}


@pytest.mark.parametrize(
    ("to", "without", "still"),
    [
        ("Wallets", ["Cards"], ["Wallets", "Checkout", "Payments", ""]),
        ("Invoices", ["Cards", "Checkout"], ["Invoices", "Billing", "Payments", ""]),
        ("Credit", ["Cards", "Checkout", "Payments"], ["Credit", "Loans", "Lending", ""]),
    ],
    ids=["between teams", "between ARTs", "between value streams"],
)
def test_an_objective_handed_over_is_the_new_teams_alone_plan_and_all(
    to: str, without: list[str], still: list[str]
) -> None:
    events = [plan("2026-07-01", actual_value=5), objective("2026-08-01", team=to)]
    after = Numbers(events, "2026-08-02")
    assert [after.increments(name) for name in without] == [{}] * len(without)
    assert [after.increments(name) for name in still] == [{"2026.3": values(10, 5, 5, 0.5)}] * len(still)


def test_each_level_is_the_sum_of_its_teams_and_its_ratio_is_of_the_sums() -> None:
    events = [
        plan("2026-07-01", "A", planned_value=30, actual_value=30),
        plan("2026-07-01", "B", team="Wallets", actual_value=0),
        plan("2026-07-01", "C", team="Invoices", planned_value=20, actual_value=15),
        plan("2026-07-01", "D", team="Credit", planned_value=2.5, actual_value=5),
    ]
    numbers = Numbers(events, "2026-10-01")
    assert numbers.increments("Checkout") == {"2026.3": values(40, 30, 30, 0.75)}
    assert numbers.increments("Payments") == {"2026.3": values(60, 45, 45, 0.75)}
    assert numbers.increments("") == {"2026.3": values(62.5, 50, 50, 0.8)}


def test_an_objective_of_an_unknown_team_counts_under_unassigned() -> None:
    numbers = Numbers([plan("2026-07-01", team="Ghosts"), plan("2026-07-01", "B", team=None)], "2026-07-02")
    names = ("team unassigned", "art unassigned", "value_stream unassigned", "")
    assert [numbers.increments(name) for name in names] == [{"2026.3": values(20, 0, 20, 0)}] * 4
    assert numbers.increments("Payments") == {}


@pytest.mark.parametrize(
    ("fields", "art"),
    [
        ({}, "Billing"),
        ({"art": None, "value_stream": None}, "Billing"),
        ({"art": "Loans"}, "Loans"),
        ({"value_stream": "Lending"}, "Loans"),
        ({"art": "Billing", "value_stream": "Payments"}, "Billing"),
        ({"art": "Checkout"}, "art unassigned"),
        ({"art": "Billing", "value_stream": "Lending"}, "art unassigned"),
    ],
)
def test_of_teams_with_one_name_the_first_has_it_unless_art_or_value_stream_say_which(fields: Json, art: str) -> None:
    numbers = Numbers([plan("2026-07-01", team="Twins", **fields)], "2026-07-02", NAMESAKES)
    arts = ["Checkout", "Billing", "Loans"] + [art] * (art == "art unassigned")
    assert [name for name in arts if numbers.increments(name)] == [art]


def test_what_happens_to_an_item_with_the_objectives_id_is_nothing_to_the_objective() -> None:
    events = [plan("2026-07-01", "1"), begin("2026-07-02", "Doing"), delete("2026-07-03"), erase("2026-07-04")]
    for day in ("2026-07-02", "2026-07-03", "2026-07-05"):
        assert Numbers(events, day).increments("Cards") == {"2026.3": values(10, 0, 10, 0)}
    assert [Numbers(events, day).load("Cards") for day in ("2026-07-02", "2026-07-03")] == [1, 0]


def test_fractions_add_up_to_the_same_in_every_order() -> None:
    events = [plan("2026-07-01", f"{n}", planned_value=n / 10, actual_value=n / 10) for n in range(1, 5)]
    found = [Numbers(order, "2026-07-02").increments("Cards")["2026.3"] for order in permutations(events)]
    assert found == [found[0]] * 24
    assert found[0]["planned"] == pytest.approx(1)


def test_increments_stand_in_the_order_of_their_names() -> None:
    names = ["2026.4", "2025.1", "2026.3", "alpha"]
    numbers = Numbers([plan("2026-07-01", name, pi=name) for name in names], "2026-07-02")
    assert list(numbers.increments("Checkout")) == sorted(names)


def test_decimal_values_add_up_as_people_add_them_up() -> None:
    events = [
        plan("2026-07-01", "A", planned_value=0.1, actual_value=0),
        plan("2026-07-01", "B", planned_value=0.2, actual_value=0.3),
    ]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(0.3, 0.3, 0.3, 1.0)}
    flow = f"""{FLOW}program_increments: [{{name: "2026.3", start: 2026-07-01, end: 2026-09-30}}]
targets: [{{name: t, level: team, team: Cards, metric: predictability, at_least: 1}}]
"""
    assert Numbers(events, "2026-10-01", flow).targets("Cards") == {"t": (1, True)}


def test_what_is_next_to_nothing_is_nothing() -> None:
    events = [plan("2026-07-01", "A", planned_value=5e-324, actual_value=10)]
    assert Numbers(events, "2026-10-01").increments("Cards") == {"2026.3": values(0, 10, 10, None)}


def test_an_objective_of_a_pi_that_is_not_listed_is_reported_and_in_no_number() -> None:
    events = [
        plan("2026-07-01", "A", actual_value=9),
        plan("2026-07-01", "B", pi="2026.03"),
        plan("2026-07-01", "C", pi="2026.03") | {"source": "planning"},
        objective("2026-07-02", "C", pi="2026.3 ") | {"source": "planning"},
        objective("2026-07-03", "B", pi="2026.3", actual_value=10),
    ]
    first, second, third = (Numbers(events, f"2026-07-0{day}", LISTED) for day in (1, 2, 3))
    for name in ("Cards", "Checkout", "Payments", ""):
        assert first.increments(name) == second.increments(name) == {"2026.3": values(10, 9, 9, 0.9)}
        assert first.node(name)["unmapped_objectives"] == {"jira/acme": {"2026.03": 1}, "planning": {"2026.03": 1}}
        assert second.node(name)["unmapped_objectives"] == {"jira/acme": {"2026.03": 1}, "planning": {"2026.3 ": 1}}
        assert third.increments(name) == {"2026.3": values(20, 19, 19, 0.95)}
        assert third.node(name)["unmapped_objectives"] == {"planning": {"2026.3 ": 1}}
    assert first.node("Lending")["unmapped_objectives"] == {}


def test_an_unmapped_objective_counts_with_its_team_or_with_nobody() -> None:
    events = [
        plan("2026-07-01", "A", pi="2027"),
        plan("2026-07-01", "B", pi="2027", team="Nobody"),
        objective("2026-07-02", "A", team="Wallets"),
    ]
    before, after = (Numbers(events, f"2026-07-0{day}", LISTED) for day in (1, 2))
    one = {"jira/acme": {"2027": 1}}
    assert [before.node(team)["unmapped_objectives"] for team in TEAMS] == [one, {}, one]
    assert [after.node(team)["unmapped_objectives"] for team in TEAMS] == [{}, one, one]
    assert after.node("Cards")["predictability"] == after.node()["predictability"] == {}


def test_where_no_pi_is_listed_objectives_count_under_the_pi_that_they_name() -> None:
    numbers = Numbers([plan("2026-07-01", "A", pi="any")], "2026-07-01")
    assert numbers.increments("Cards") == {"any": values(10, 0, 10, 0)}
    assert numbers.node("Cards")["unmapped_objectives"] == {}


@pytest.mark.parametrize("flow", [FLOW, LISTED])
def test_an_objective_without_a_pi_is_nowhere_until_it_names_one(flow: str) -> None:
    events = [plan("2026-07-01", "A", pi=None), objective("2026-07-02", "A", pi="2026.4")]
    before, after = (Numbers(events, f"2026-07-0{day}", flow).node("Cards") for day in (1, 2))
    assert (before["predictability"], before["unmapped_objectives"]) == ({}, {})
    assert (list(after["predictability"]), after["unmapped_objectives"]) == (["2026.4"], {})
