"""Worked examples that other tools publish, and what ours come to: the same life, our clock.

Flow time here is elapsed time from the first start to the latest finish. A process clock (time in chosen states
only) is what some of the sources show; its number is then our `active_seconds` or the sum of some `state_seconds`.
"""

from __future__ import annotations

import pytest

from tests.examples.stories import DAY, FLOW, HOUR, RESET, Numbers, begin, change


def test_planview_viz_type_change() -> None:
    """A defect that becomes a story counts in load as what it is now, in velocity as what it was when finished.

    Planview Viz: defect on 1 July, story on 5 July, done on 10 July, defect again on 11 July. Load is one defect on
    1-4 July and one feature on 5-9 July, velocity one feature on 10 July. Ours is the same.
    """
    events = [
        begin("2026-07-01", "Doing", item_type="Bug"),
        change("2026-07-05", item_type="Story"),
        change("2026-07-10", "Done"),
        change("2026-07-11", item_type="Bug"),
    ]
    for day, load in [("01", {"defect": 1}), ("04", {"defect": 1}), ("05", {"feature": 1}), ("09", {"feature": 1})]:
        assert Numbers(events, f"2026-07-{day}T12:00").node("Cards")["load"]["by_type"] == load
    for day in ("10", "11", "12"):
        numbers = Numbers(events, f"2026-07-{day}T12:00").node("Cards")
        assert numbers["load"]["by_type"] == {}
        assert numbers["windows"]["7d"]["velocity_by_type"] == {"feature": 1}
        assert numbers["windows"]["7d"]["flow_time"]["p50"] == 9 * DAY


def test_gitlab_value_stream_analytics_repeated_state() -> None:
    """A state that is on at 9-10 h, off, and on again at 12-14 h.

    GitLab: 5 hours from the first start event to the last end event, 3 hours cumulative. Flow time is elapsed, so
    ours is 5 hours; the cumulative 3 hours are the time in the state, and the active seconds.
    """
    events = [
        begin("2026-07-01T08:00", "To Do"),
        change("2026-07-01T09:00", "Doing"),
        change("2026-07-01T10:00", "To Do"),
        change("2026-07-01T12:00", "Doing"),
        change("2026-07-01T14:00", "Done"),
    ]
    week = Numbers(events, "2026-07-02").window("7d", "Cards")
    assert week["flow_time"]["mean"] == week["elapsed_seconds"] == 5 * HOUR
    assert week["active_seconds"] == 3 * HOUR
    assert week["state_seconds"] == {"Doing": 3 * HOUR, "To Do": 2 * HOUR}
    assert week["efficiency"] == 0.6


def test_azure_devops_reactivation() -> None:
    """New, Active, Resolved, Closed, New, Active, Closed.

    Azure DevOps: cycle time runs from the first Active to the last Closed and adds up the spans of work (here
    2-6 and 10-12 July: 6 days); only its "total cycle time" holds the closed gap too (10 days). Ours is the total:
    the customer waited through the gap as well, and a clock that a re-opening stops could be stopped at will.
    """
    events = [
        begin("2026-07-01", "To Do"),
        change("2026-07-02", "Doing"),
        change("2026-07-05", "Ready"),
        change("2026-07-06", "Done"),
        change("2026-07-09", "To Do"),
        change("2026-07-10", "Doing"),
        change("2026-07-12", "Done"),
    ]
    assert Numbers(events, "2026-07-08").window("30d", "Cards")["flow_time"]["max"] == 4 * DAY
    assert Numbers(events, "2026-07-11").velocity("30d", "Cards") == 0
    month = Numbers(events, "2026-07-13").window("30d", "Cards")
    assert month["velocity"] == month["arrivals"] == 1
    assert month["flow_time"]["max"] == 10 * DAY
    assert month["state_seconds"] == {"Doing": 5 * DAY, "Ready": DAY, "Done": 3 * DAY, "To Do": DAY}
    assert month["active_seconds"] == 5 * DAY
    assert Numbers(events, "2026-07-12T12:00").velocity("1d", "Cards") == 1


LIGHTHOUSE_REVERT = [
    begin("2024-09-20", "Backlog"),
    change("2024-09-27", "Doing"),
    change("2024-09-28", "Backlog"),
    change("2024-09-30", "Done"),
]


def test_lighthouse_revert_then_direct_close_keeping_the_start() -> None:
    """Backlog, Implementation on 27 September 2024, Backlog on the 28th, Closed on the 30th; `on_return: keep`.

    Lighthouse discarded the start and took the day of the close for it (its bug 5064), which makes one day. Work
    did begin on the 27th, so we keep that start: 3 days, of which 1 was worked.
    """
    week = Numbers(LIGHTHOUSE_REVERT, "2024-10-01").window("7d", "Cards")
    assert (week["velocity"], week["without_start"], week["arrivals"]) == (1, 0, 1)
    assert week["flow_time"]["p50"] == 3 * DAY
    assert week["efficiency"] == pytest.approx(1 / 3)


def test_lighthouse_revert_then_direct_close_resetting_the_start() -> None:
    """The same life with `on_return: reset`: the return to the backlog takes the start away.

    Lighthouse puts the close in its place and calls it one day. An item that was never seen in progress after its
    reset has no flow time: we count it in velocity, and apart, rather than invent a start.
    """
    week = Numbers(LIGHTHOUSE_REVERT, "2024-10-01", RESET).window("7d", "Cards")
    assert (week["velocity"], week["without_start"], week["arrivals"]) == (1, 1, 0)
    assert week["flow_time"] == {"count": 0, "mean": None, "p50": None, "p85": None, "p95": None, "max": None}
    assert week["efficiency"] is None


def test_swarmia_pause() -> None:
    """A week of work, three months away, another week.

    Swarmia: 2 weeks, since it adds up the time in progress only; 3.5 months have elapsed. Ours is what elapsed, from
    5 January to 19 April: 104 days. Swarmia's 2 weeks are the active seconds, and the pause shows as the efficiency.
    """
    events = [
        begin("2026-01-05", "Doing"),
        change("2026-01-12", "To Do"),
        change("2026-04-12", "Doing"),
        change("2026-04-19", "Done"),
    ]
    assert Numbers(events, "2026-03-01").load("Cards") == 0
    year = Numbers(events, "2026-04-20").window("365d", "Cards")
    assert year["flow_time"]["mean"] == 104 * DAY
    assert year["active_seconds"] == 14 * DAY
    assert year["state_seconds"] == {"Doing": 14 * DAY, "To Do": 90 * DAY}
    assert year["efficiency"] == 14 / 104


def test_lighthouse_age_sum() -> None:
    """Three items in progress for 5, 3 and 2 days: total age 10.

    Lighthouse counts calendar days, the first one included, and holds their sum against WIP limit x SLE days. Our
    ages are elapsed seconds, so the items here began 5, 3 and 2 days ago to the second. The sum is count x mean, and
    the reference is made of `limit`: with 2 items and an SLE of 4 days it is 8, and 10 is above it.
    """
    events = [begin(f"2026-07-{day}T12:00", "Doing", item=day) for day in ("05", "07", "08")]
    cards = Numbers(events, "2026-07-10T12:00", FLOW).node("Cards")
    assert cards["age"]["count"] * cards["age"]["mean"] == pytest.approx(10 * DAY)
    assert (cards["age"]["p50"], cards["age"]["max"]) == (3 * DAY, 5 * DAY)
    assert cards["load"]["limit"] * 4 * DAY == 8 * DAY
