"""What the oracle says of an item's past, by hand: stays, ages, spells, past load, parents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.oracle.lives import Life, lives
from tests.oracle.past import children, completed_stays, left_at, load_at, spells, state_since
from tests.oracle.rules import Json

CONFIG: Json = {
    "organisation": [{"value_stream": "V", "arts": [{"art": "A", "teams": [{"team": "T"}, {"team": "U"}]}]}],
    "workflows": [
        {"name": "other", "applies_to": {"kind": "other"}, "states": {"new": ["Doing"]}},
        {
            "name": "w",
            "states": {
                "new": ["New"],
                "active": ["Doing", "Review"],
                "waiting": ["Ready"],
                "done": ["Done"],
                "cancelled": ["Dropped"],
            },
        },
    ],
    "backlogs": [
        {"backlog": "features", "home": "art", "holds": {"item_type": "F"}},
        {"backlog": "stories", "home": "team", "holds": {"item_type": "S"}},
    ],
}
T, U = ("V", "A", "T"), ("V", "A", "U")
DAY = timedelta(days=1)

_ids = iter(range(10**9))


def change(day: int, state: str | None = None, item: str = "1", **data: Any) -> Json:
    """Make an event of an item on a day of July."""
    return event(day, "flow.item.changed", {"item": item} | ({"state": state} if state else {}) | data)


def event(day: int, kind: str, data: Json) -> Json:
    """Make an event of any type on a day of July."""
    return {"id": f"{next(_ids):04}", "source": "s", "type": kind, "time": july(day).isoformat(), "data": data}


def july(day: int) -> datetime:
    """Give the first instant of a day of July."""
    return datetime(2026, 7, day, tzinfo=UTC)


def life(events: list[Json], at: int = 30) -> Life:
    """Replay one item."""
    [found] = lives(events, CONFIG, july(at))
    return found


STORY = {"team": "T", "item_type": "S"}


def test_the_state_is_entered_by_a_change_of_state_only() -> None:
    events = [
        change(1, "Doing", **STORY),
        change(2, "Doing"),
        change(3, team="U"),
        change(4, kind="other"),
        change(5, "Ready"),
        event(6, "flow.item.deleted", {"item": "1"}),
        change(7, "Ready"),
        change(8, "Doing"),
        change(8, "Ready"),
    ]
    since = [state_since(life(events, day)) for day in range(1, 9)]
    assert since == [july(1)] * 4 + [july(5)] * 3 + [july(8)]
    assert state_since(life([change(1, item_type="S")])) is None
    assert state_since(life([change(1, "Doing", previous_state="Doing")])) == july(1)


def test_completed_stays_begin_at_the_start_and_leave_the_present_one_out() -> None:
    events = [
        change(1, "New", **STORY),
        change(3, "Doing"),
        change(4, team="U"),
        change(6, "Ready"),
        change(7, "Doing"),
        change(9, "New"),
        change(12, "Doing"),
        change(14, kind="x"),
    ]
    assert completed_stays(life(events, 2)) == {}
    assert completed_stays(life(events, 5)) == {}
    assert completed_stays(life(events, 6)) == {"Doing": 3 * DAY}
    assert completed_stays(life(events, 8)) == {"Doing": 3 * DAY, "Ready": DAY}
    assert completed_stays(life(events, 10)) == {"Doing": 5 * DAY, "Ready": DAY}
    assert completed_stays(life(events, 20)) == {"Doing": 5 * DAY, "Ready": DAY, "New": 3 * DAY}
    finished = life([*events, change(15, "Done")])
    assert completed_stays(finished) == {}
    assert finished.time_in_state == {"Doing": 8 * DAY, "Ready": DAY, "New": 3 * DAY}
    dropped = life([*events, change(15, "Dropped")])
    assert completed_stays(dropped) == finished.time_in_state


def test_a_change_of_workflow_ends_no_stay() -> None:
    events = [change(1, "Doing", kind="other", **STORY), change(3, kind="w"), change(5, kind="other")]
    assert life(events).start == life(events).moments[1]
    assert completed_stays(life(events)) == {}
    assert completed_stays(life([*events, change(6, "Ready")])) == {"Doing": 3 * DAY}


def test_left_at_is_the_age_at_the_last_time_until_the_finish() -> None:
    events = [
        change(1, "New", **STORY),
        change(2, "Doing"),
        change(4, "Ready"),
        change(5, "Doing"),
        change(9, "Done"),
        change(11, "Review"),
        change(12, "Done"),
    ]
    assert left_at(life(events, 1)) == left_at(life(events, 3)) == {}
    assert left_at(life(events, 4)) == {"Doing": 2 * DAY}
    assert left_at(life(events, 6)) == {"Doing": 2 * DAY, "Ready": 3 * DAY}
    assert left_at(life(events, 10)) == {"Doing": 7 * DAY, "Ready": 3 * DAY}
    assert left_at(life(events, 11)) == {"Doing": 7 * DAY, "Ready": 3 * DAY, "Done": 9 * DAY}
    assert left_at(life(events)) == {"Doing": 7 * DAY, "Ready": 3 * DAY, "Done": 9 * DAY, "Review": 10 * DAY}


MOVED = [
    change(1, "New", **STORY),
    change(2, "Doing"),
    change(3, points=5),
    change(4, team="U"),
    change(6, item_type="F"),
    change(8, "New"),
    change(9, "Ready"),
    change(11, "Dropped"),
    change(11, "Doing"),
    event(13, "flow.item.deleted", {"item": "1"}),
    change(15, "Doing", team="T"),
    change(15, "Ready", team="U"),
    change(17, item_type="?"),
]


def test_spells_are_cut_where_owner_or_backlog_changes_and_are_never_empty() -> None:
    assert spells(life(MOVED)) == [
        (july(2), july(4), T, "stories"),
        (july(4), july(6), U, "stories"),
        (july(6), july(8), U, "features"),
        (july(9), july(13), U, "features"),
        (july(15), july(17), U, "features"),
        (july(17), None, U, None),
    ]


ART, TEAM = ("art", "V", "A", ""), ("team", "V", "A", "U")


@pytest.mark.parametrize("at", [20, 30])
def test_past_load_is_what_was_known_to_be_in_progress(at: int) -> None:
    everyone = lives([*MOVED, change(5, "Doing", "2", team="U", item_type="S")], CONFIG, july(at))
    stories = [[one.item for one in load_at(everyone, TEAM, "stories", july(day))] for day in range(1, 8)]
    assert stories == [[], [], [], ["1"], ["1", "2"], ["2"], ["2"]]
    features = [len(load_at(everyone, ART, "features", july(day))) for day in range(5, 19)]
    assert features == [0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]


def test_past_load_equals_the_load_that_was_shown_then() -> None:
    for day in range(1, 20):
        [then], [later] = lives(MOVED, CONFIG, july(day)), lives(MOVED, CONFIG, july(25))
        for backlog in ("stories", "features"):
            shown = then.in_load and then.now.backlog == backlog
            assert bool(load_at([later], ART, backlog, july(day))) == shown


def test_children_are_those_that_are_neither_cancelled_nor_deleted() -> None:
    events = [
        change(1, "Doing", "a", parent="p"),
        change(1, "New", "b", parent="p"),
        change(1, "Done", "c", parent="p"),
        change(1, "Dropped", "d", parent="p"),
        change(1, "Doing", "e", parent="p"),
        event(2, "flow.item.deleted", {"item": "e"}),
        change(1, "Doing", "f", parent="p"),
        change(2, parent="q", item="f"),
        change(3, "Done", "a"),
        change(4, "Doing", "c"),
    ]
    told = [children(lives(events, CONFIG, july(day)), "p") for day in (1, 2, 3, 4)]
    assert told == [(1, 5), (1, 3), (2, 3), (1, 3)]
    assert children(lives(events, CONFIG, july(4)), "q") == (0, 1)
    assert children(lives(events, CONFIG, july(4)), "a") == (0, 0)
