"""Increments and iterations as windows: which days they have, in which time zone, and what they are called."""

from __future__ import annotations

import pytest

from tests.examples.stories import FLOW, Json, Numbers, begin, change

PERIODS = f"""{FLOW.replace("windows: [1d, 7d, 30d, 365d]", "windows: [7d, pi, previous_pi]")}time_zone: Europe/Berlin
program_increments:
  - {{name: "2026.1", start: 2026-01-04, end: 2026-03-26}}
  - {{name: "2025.4", start: 2025-10-01, end: 2025-12-10}}
"""
ITERATIONS = f"""{FLOW.replace("windows: [1d, 7d, 30d, 365d]", "windows: [iteration, previous_iteration]")}\
time_zone: Europe/Berlin
iterations: {{first: 2026-03-16, length: 1w}}
"""


def finished(item: str, time: str) -> list[Json]:
    """Make an item that is started and finished at one instant."""
    return [begin(time, "Doing", item, points=2), change(time, "Done", item)]


# Berlin is an hour ahead of UTC in winter.
WORK = [
    *finished("before", "2025-09-30T21:59"),
    *finished("first instant", "2025-09-30T22:00"),
    *finished("last day", "2025-12-10T22:59"),
    *finished("gap", "2025-12-10T23:00"),
    *finished("end of the gap", "2026-01-03T22:59"),
    *finished("second", "2026-01-03T23:00"),
]


def periods(at: str, events: list[Json] | None = None, flow: str = PERIODS) -> dict[str, tuple[str, int, int]]:
    """Give each period with its name, its arrivals and its velocity at the portfolio."""
    windows = Numbers(WORK if events is None else events, at, flow).node()["windows"]
    return {
        label: (window.get("pi") or window["iteration"], window["arrivals"], window["velocity"])
        for label, window in windows.items()
        if label != "7d"
    }


def test_the_last_increment_stays_whole_until_the_next_begins() -> None:
    first = ("2025.4", 2, 2)
    assert periods("2025-12-10T22:59") == {"pi": first}
    # On 20 December no increment runs.
    assert periods("2025-12-20") == {"pi": first}
    assert periods("2026-01-03T22:59") == {"pi": first}
    # At 00:00 in Berlin the second begins.
    assert periods("2026-01-03T23:00") == {"pi": ("2026.1", 1, 1), "previous_pi": first}
    assert periods("2026-03-30") == {"pi": ("2026.1", 1, 1), "previous_pi": first}


def test_a_running_increment_reaches_until_now() -> None:
    assert periods("2025-09-30T21:59") == {}
    assert periods("2025-09-30T22:00") == {"pi": ("2025.4", 1, 1)}
    assert periods("2025-11-01") == {"pi": ("2025.4", 1, 1)}


def test_what_is_late_still_counts_in_the_increment_in_which_it_happened() -> None:
    late = [*WORK, *finished("late", "2025-11-11")]
    assert periods("2026-02-01", late)["previous_pi"] == ("2025.4", 3, 3)


def test_points_of_an_increment() -> None:
    window = Numbers(WORK, "2026-02-01", PERIODS).window("previous_pi", "Cards")
    assert (window["velocity_points"], window["unestimated"]) == (4, 0)


ADJOINING = PERIODS.replace("end: 2025-12-10", "end: 2026-01-03")


def test_of_two_adjoining_increments_an_instant_is_in_one() -> None:
    assert periods("2026-02-01", flow=ADJOINING) == {"pi": ("2026.1", 1, 1), "previous_pi": ("2025.4", 4, 4)}


def test_an_increment_is_absent_once_its_items_may_be_forgotten() -> None:
    flow = f"{PERIODS}retention: 180d\n"
    # 180 days after the first instant: 30 September, 22:00, and 29 March, 22:00.
    assert set(periods("2026-03-29T21:59", flow=flow)) == {"pi", "previous_pi"}
    assert set(periods("2026-03-29T22:00", flow=flow)) == {"pi"}
    assert set(periods("2026-07-02T23:00", flow=flow)) == set()


def test_iterations_follow_one_another_from_the_first_day() -> None:
    # In Berlin, summer time begins on 29 March 2026: midnight is at 23:00 UTC before it, at 22:00 after it.
    events = [
        *finished("first", "2026-03-15T23:00"),
        *finished("end of the second", "2026-03-29T21:59"),
        *finished("third", "2026-03-29T22:00"),
    ]
    at = [periods(time, events, ITERATIONS) for time in ("2026-03-15T22:59", "2026-03-15T23:00")]
    assert at == [{}, {"iteration": ("2026-03-16", 1, 1)}]
    second = ("2026-03-23", 1, 1)
    assert periods("2026-03-29T21:59", events, ITERATIONS) == {
        "iteration": second,
        "previous_iteration": ("2026-03-16", 1, 1),
    }
    third = {"iteration": ("2026-03-30", 1, 1), "previous_iteration": second}
    assert periods("2026-03-29T22:00", events, ITERATIONS) == third
    assert periods("2026-04-05T21:59", events, ITERATIONS) == third
    later = {"iteration": ("2026-04-06", 0, 0), "previous_iteration": ("2026-03-30", 1, 1)}
    assert periods("2026-04-05T22:00", events, ITERATIONS) == later


@pytest.mark.parametrize(
    ("zone", "minute_before", "first_instant"),
    [
        ("UTC", "2026-03-07T23:59", "2026-03-08T00:00"),
        ("America/Havana", "2026-03-08T04:59", "2026-03-08T05:00"),
        ("America/Los_Angeles", "2026-03-08T07:59", "2026-03-08T08:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, minute_before: str, first_instant: str) -> None:
    # In Havana, clocks are put forward at midnight, so that this day begins at 01:00.
    flow = ITERATIONS.replace("Europe/Berlin", zone).replace("2026-03-16, length: 1w", "2026-03-08, length: 1d")
    assert periods(minute_before, [], flow) == {}
    assert periods(first_instant, finished("1", first_instant), flow) == {"iteration": ("2026-03-08", 1, 1)}


TARGET = "targets: [{name: t, level: team, team: Cards, metric: velocity, window: previous_pi, at_least: 2}]\n"


def test_a_target_over_a_period_measures_nothing_while_the_period_is_absent() -> None:
    found = [Numbers(WORK, day, PERIODS + TARGET).targets("Cards")["t"] for day in ("2025-12-20", "2026-01-04")]
    assert found == [(None, None), (2, True)]


def test_ageing_has_no_line_without_a_trailing_window() -> None:
    events = [*finished("1", "2026-02-01"), begin("2026-01-05", "Doing", "2")]
    assert Numbers(events, "2026-02-02", PERIODS).node("Cards")["ageing"] == 1
    only = PERIODS.replace("[7d, pi, previous_pi]", "[pi, previous_pi]")
    assert Numbers(events, "2026-02-02", only).node("Cards")["ageing"] is None
