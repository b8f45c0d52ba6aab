"""Stays of an item that is not finished, when it left each state, and since when it is in its present one."""

from __future__ import annotations

from typing import Any

import pytest

from stream.events.event import DAY, EventType
from stream.items.fold import MAX_STAYS, fold, live
from stream.items.row import Entry
from stream.items.rules import Rules
from stream.items.summary import FlowState, Summary
from tests.items.material import configured, entry

TEAMS = "organisation: [{value_stream: V, arts: [{art: A, teams: [{team: T}]}]}]"
STATES = "{new: [To Do], active: [Doing], waiting: [Ready], done: [Done], cancelled: [Dropped]}"
KEEPS = Rules(configured(f"{{version: 1, {TEAMS}, workflows: [{{name: w, states: {STATES}}}]}}"))
RESETS = Rules(configured(f"{{version: 1, {TEAMS}, workflows: [{{name: w, on_return: reset, states: {STATES}}}]}}"))
# A bug is finished in Review; everything else is reviewed while it is in progress.
REVIEWS = Rules(
    configured(f"""\
version: 1
{TEAMS}
workflows:
  - {{name: bugs, applies_to: {{item_type: Bug}}, states: {{active: [Doing], done: [Review, Done]}}}}
  - {{name: spikes, applies_to: {{item_type: Spike}}, states: {{waiting: [Doing, Review], done: [Done]}}}}
  - {{name: ideas, applies_to: {{item_type: Idea}}, states: {{new: [Doing, Review], done: [Done]}}}}
  - {{name: rest, states: {{active: [Doing, Review], done: [Done]}}}}
""")
)


def folded(*entries: Entry, rules: Rules = KEEPS) -> Summary:
    summary = fold("1", entries, rules, 10_000 * DAY)
    assert summary is not None
    return summary


def in_days(stays: Any) -> dict[str, int]:
    return {state: stay // DAY for state, stay in stays.items()}


def states(*names: str | None) -> list[Entry]:
    """Give an entry into each state, a day after the other."""
    return [entry(day, state=name) for day, name in enumerate(names, 1)]


def test_an_item_in_progress_has_its_completed_stays_without_the_present_one() -> None:
    summary = folded(entry(1, state="To Do"), entry(2, state="Doing"), entry(5, state="Ready"), entry(6, points=1))
    assert in_days(summary.stays) == in_days(summary.left_at) == {"Doing": 3}
    assert summary.state_since == 5 * DAY


def test_an_item_in_its_first_state_of_work_has_no_completed_stay() -> None:
    summary = folded(*states("To Do", "Doing"))
    assert (summary.stays, summary.left_at, summary.state_since) == ({}, {}, 2 * DAY)


def test_an_item_that_never_began_has_no_stays() -> None:
    for names in (["To Do"], ["To Do", "Dropped"], ["To Do", "Limbo", "To Do"], ["To Do", "Done"]):
        summary = folded(*states(*names))
        assert (summary.stays, summary.left_at, summary.state_since) == ({}, {}, len(names) * DAY)


def test_returned_reopened_and_cancelled_items_have_stays_since_their_start() -> None:
    returned = folded(*states("Doing", "Ready", "Doing", "To Do"))
    assert in_days(returned.stays) == {"Doing": 2, "Ready": 1}
    assert in_days(returned.left_at) == {"Doing": 3, "Ready": 2}
    reopened = folded(*states("Doing", "Done", "Doing"))
    assert in_days(reopened.stays) == {"Doing": 1, "Done": 1}
    assert in_days(reopened.left_at) == {"Doing": 1, "Done": 2}
    cancelled = folded(*states("Doing", "Dropped"), entry(9, points=1))
    assert in_days(cancelled.stays) == in_days(cancelled.left_at) == {"Doing": 1}


def test_a_finished_item_has_left_its_states_up_to_its_finish() -> None:
    flow = configured(
        f"{{version: 1, {TEAMS}, workflows: [{{name: w, states: {{active: [Doing], done: [Done, Closed]}}}}]}}"
    )
    summary = folded(*states("Doing", "Done", "Closed"), rules=Rules(flow))
    assert in_days(summary.left_at) == in_days(summary.stays) == {"Doing": 1}
    assert summary.state_since == 3 * DAY


def test_the_second_finish_counts_what_was_left_before_it() -> None:
    summary = folded(*states("Doing", "Done", "Ready", "Done"))
    assert in_days(summary.stays) == {"Doing": 1, "Done": 1, "Ready": 1}
    assert in_days(summary.left_at) == {"Doing": 1, "Done": 2, "Ready": 3}


def test_a_reset_takes_stays_and_left_states_away() -> None:
    summary = folded(*states("Doing", "Ready", "To Do"), rules=RESETS)
    assert (summary.start, summary.stays, summary.left_at) == (None, {}, {})
    again = folded(*states("Doing", "Ready", "To Do", "Doing", "Ready"), rules=RESETS)
    assert in_days(again.stays) == in_days(again.left_at) == {"Doing": 1}


def test_a_state_that_is_left_at_once_has_no_stay_and_was_left() -> None:
    summary = folded(entry(1, state="Doing"), entry(2, state="Ready"), entry(2, state="Doing"))
    assert in_days(summary.stays) == {"Doing": 1}
    assert in_days(summary.left_at) == {"Doing": 1, "Ready": 1}


@pytest.mark.parametrize(
    "later",
    [
        [entry(5, points=3, blocked=True)],
        [entry(5, state="Doing")],
        [entry(5, team="T")],
        [entry(5, item_type="Spike")],
        [entry(5, EventType.DELETED)],
        [entry(5, EventType.DELETED), entry(6, state="Doing")],
    ],
)
def test_what_is_no_entry_into_the_state_leaves_the_time_of_the_entry(later: list[Entry]) -> None:
    summary = folded(entry(1, state="To Do"), entry(2, state="Doing"), *later, rules=REVIEWS)
    assert (summary.state_since, summary.stays, summary.left_at) == (2 * DAY, {}, {})


def test_an_item_without_a_state_has_not_entered_one() -> None:
    assert folded(*states("Doing", None)).state_since is None
    assert folded(*states("Doing", None, "Doing")).state_since == 3 * DAY
    assert folded(entry(3, points=1)).state_since is None


def test_an_item_first_seen_in_a_state_is_in_it_since_then() -> None:
    assert folded(entry(3, state="Doing", previous_state="Doing")).state_since == 3 * DAY
    assert folded(entry(3, state="Doing", previous_state="To Do")).state_since == 3 * DAY
    assert folded(entry(3, previous_state="Doing"), entry(4, points=1)).state_since == 3 * DAY


def test_a_change_of_workflow_does_not_complete_the_present_stay() -> None:
    changed = [entry(1, state="Doing", item_type="Story"), entry(3, state="Review"), entry(5, item_type="Spike")]
    summary = folded(*changed, rules=REVIEWS)
    assert (summary.flow_state, summary.state_since) == (FlowState.WAITING, 3 * DAY)
    assert in_days(summary.stays) == {"Doing": 2}
    assert in_days(folded(*changed, entry(9, state="Done"), rules=REVIEWS).stays) == {"Doing": 2, "Review": 6}


def test_an_item_that_a_change_of_workflow_finishes_was_in_its_state_until_then() -> None:
    changed = [entry(1, state="Doing", item_type="Story"), entry(3, state="Review"), entry(7, item_type="Bug")]
    summary = folded(*changed, rules=REVIEWS)
    assert summary.finish is not None
    assert (in_days(summary.stays), in_days(summary.left_at)) == ({"Doing": 2, "Review": 4}, {"Doing": 2})
    # Back in progress, it has been in one state since its entry.
    back = folded(*changed, entry(8, item_type="Story"), rules=REVIEWS)
    assert (back.finish, back.state_since, in_days(back.stays)) == (None, 3 * DAY, {"Doing": 2})
    finished = folded(*changed, entry(8, item_type="Story"), entry(9, state="Done"), rules=REVIEWS)
    assert in_days(finished.stays) == {"Doing": 2, "Review": 6}


def test_an_item_that_a_change_of_workflow_starts_is_in_its_state_from_then_on() -> None:
    changed = [entry(1, state="Review", item_type="Idea"), entry(3, item_type="Story")]
    summary = folded(*changed, entry(7, state="Done"), rules=REVIEWS)
    assert summary.start is not None
    assert (summary.start.time, in_days(summary.stays), in_days(summary.left_at)) == (
        3 * DAY,
        {"Review": 4},
        {"Review": 4},
    )
    finished = folded(*changed, entry(7, item_type="Bug"), rules=REVIEWS)
    assert in_days(finished.stays) == {"Review": 4}


def test_an_item_that_was_never_seen_in_progress_is_finished_by_a_change_of_workflow_without_stays() -> None:
    summary = folded(entry(1, state="Review", item_type="Idea"), entry(3, item_type="Bug"), rules=REVIEWS)
    assert summary.finish is not None
    assert (summary.start, summary.stays) == (None, {})


def many(count: int) -> list[Entry]:
    """Give a start, and an entry into each of `count` states."""
    return [entry(1, state="Doing"), *(entry(day, state=f"s{day}") for day in range(2, count + 2))]


def test_beyond_a_hundred_states_an_item_in_progress_has_the_rest_as_other() -> None:
    full, beyond = live(many(MAX_STAYS), KEEPS, 10_000 * DAY), live(many(MAX_STAYS + 2), KEEPS, 10_000 * DAY)
    assert full is not None
    assert beyond is not None
    assert (full.is_merged, beyond.is_merged) == (False, True)
    stays, left_at = (in_days(part) for part in (beyond.summary("1").stays, beyond.summary("1").left_at))
    assert (len(stays), stays["other"]) == (MAX_STAYS + 1, 2)
    assert (len(left_at), left_at["other"]) == (MAX_STAYS + 1, MAX_STAYS + 2)


def test_a_finished_item_is_merged_only_if_its_states_before_the_finish_were_too_many() -> None:
    states = "{active: [Doing], done: [Done, Closed]}"
    rules = Rules(configured(f"{{version: 1, {TEAMS}, workflows: [{{name: w, states: {states}}}]}}"))
    done, closed = MAX_STAYS + 2, MAX_STAYS + 3
    entries = [*many(MAX_STAYS - 1), entry(done, state="Done"), entry(closed, state="Closed")]
    life = live(entries, rules, 10_000 * DAY)
    assert life is not None
    assert not life.is_merged
    assert len(life.summary("1").stays) == MAX_STAYS
    # Reopened, it has been in one more.
    life = live([*entries, entry(closed + 1, state="Doing")], rules, 10_000 * DAY)
    assert life is not None
    assert life.is_merged


def test_the_state_in_which_another_workflow_finishes_an_item_may_be_one_too_many() -> None:
    names = [entry(1, state="Doing", item_type="Story"), *many(MAX_STAYS)[1:]]
    last = MAX_STAYS + 2
    life = live([*names, entry(last, state="Review"), entry(last + 3, item_type="Bug")], REVIEWS, 10_000 * DAY)
    assert life is not None
    assert life.is_merged
    assert in_days(life.summary("1").stays)["other"] == 4
