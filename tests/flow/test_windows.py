"""Windows at an instant: increments with gaps and without, iterations, days of any length, and what is forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stream.config.model import Duration, FlowConfig, Iterations, ProgramIncrement
from stream.events.event import DAY, SECOND
from stream.flow.statistics import NEVER
from stream.flow.timeline import Interval
from stream.flow.windows import Windows, increments
from tests.flow.material import FLOW, configured

HOUR = 3_600 * SECOND
PERIODS = ("pi", "previous_pi", "iteration", "previous_iteration")


def with_periods(zone: str = "UTC", pis: str = "", iterations: str = "", retention: str = "400d") -> FlowConfig:
    """Read a configuration with these increments (`name first last`, one a line) and iterations (`first length`)."""
    listed = [line.split() for line in pis.splitlines() if line]
    windows = ["1d", *(PERIODS[:2] if listed else ()), *(PERIODS[2:] if iterations else ())]
    rhythm = iterations.split()
    # The checks of the file would refuse a short retention, which shows here what is forgotten.
    return configured().model_copy(
        update={
            "windows": tuple(Duration.parse(each) if each == "1d" else each for each in windows),
            "time_zone": zone,
            "retention": Duration.parse(retention),
            "program_increments": tuple(
                ProgramIncrement(name=name, start=date.fromisoformat(start), end=date.fromisoformat(end))
                for name, start, end in listed
            ),
            "iterations": Iterations(first=date.fromisoformat(rhythm[0]), length=rhythm[1]) if rhythm else None,
        }
    )


def at(text: str) -> int:
    """Read an instant with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def bounds(config: FlowConfig, label: str, now: str) -> tuple[str, str, str] | None:
    """Give a period's name, its first and its last instant as local times; None if it is absent."""
    opened, zone = Windows(config).at(at(now)), ZoneInfo(config.time_zone)
    if label not in opened.intervals:
        assert label not in opened.names
        return None
    low, high = (datetime.fromtimestamp(each // SECOND, zone).isoformat() for each in opened.intervals[label])
    return opened.names[label], low, high


def names(config: FlowConfig, now: str) -> tuple[str | None, ...]:
    opened = Windows(config).at(at(now))
    return tuple(opened.names.get(label) for label in PERIODS if label in config.window_labels)


BERLIN = with_periods("Europe/Berlin", "2026.4 2026-10-01 2026-12-10\n2027.1 2027-01-04 2027-03-26")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-09-30T23:59:59.999999+02:00", (None, None)),
        ("2026-10-01T00:00+02:00", ("2026.4", None)),
        ("2026-12-10T23:59+01:00", ("2026.4", None)),
        ("2026-12-20T12:00+01:00", ("2026.4", None)),
        ("2027-01-03T23:59:59.999999+01:00", ("2026.4", None)),
        ("2027-01-04T00:00+01:00", ("2027.1", "2026.4")),
        ("2027-03-28T12:00+02:00", ("2027.1", "2026.4")),
    ],
)
def test_an_increment_is_running_until_the_next_begins(now: str, expected: tuple[str | None, ...]) -> None:
    assert names(BERLIN, now) == expected


def test_the_running_increment_ends_now_and_one_that_is_over_is_whole() -> None:
    running = bounds(BERLIN, "pi", "2026-11-11T11:11:11+01:00")
    # An interval does not include its lower end.
    assert running == ("2026.4", "2026-09-30T23:59:59+02:00", "2026-11-11T11:11:11+01:00")
    whole = ("2026.4", "2026-09-30T23:59:59+02:00", "2026-12-10T23:59:59+01:00")
    assert bounds(BERLIN, "pi", "2026-12-20T12:00+01:00") == whole
    assert bounds(BERLIN, "previous_pi", "2027-01-04T00:00+01:00") == whole
    assert bounds(BERLIN, "previous_pi", "2027-03-01T00:00+01:00") == whole


def test_the_first_instant_of_a_period_belongs_to_it_and_the_first_one_after_it_does_not() -> None:
    opened = Windows(BERLIN).at(at("2027-02-01T00:00+01:00"))
    first, after = at("2026-10-01T00:00+02:00"), at("2026-12-11T00:00+01:00")
    previous = opened.intervals["previous_pi"]
    assert [previous.has(instant) for instant in (first - 1, first, after - 1, after)] == [False, True, True, False]
    just_begun = Windows(BERLIN).at(at("2027-01-04T00:00+01:00")).intervals["pi"]
    assert just_begun == Interval(at("2027-01-04T00:00+01:00") - 1, at("2027-01-04T00:00+01:00"))


def test_adjoining_increments_leave_no_instant_out_and_share_none() -> None:
    config = with_periods("Europe/Berlin", "b 2026-03-30 2026-04-12\na 2026-03-16 2026-03-29")
    # The file may list them in any order. Clocks are turned forward on 29 March.
    first, second = increments(config)
    assert (first.name, second.name, first.end) == ("a", "b", second.begin)
    assert (first.end - first.begin, second.end - second.begin) == (14 * DAY - HOUR, 14 * DAY)
    opened = Windows(config).at(second.begin)
    assert opened.intervals["previous_pi"].high + 1 == second.begin == opened.intervals["pi"].low + 1


def test_increments_of_one_day_have_the_hours_that_the_day_has() -> None:
    config = with_periods("Europe/Berlin", "spring 2026-03-29 2026-03-29\nautumn 2026-10-25 2026-10-25")
    assert [each.end - each.begin for each in increments(config)] == [23 * HOUR, 25 * HOUR]


def test_windows_are_in_the_order_of_the_file_without_those_that_are_absent() -> None:
    config = configured(
        FLOW.replace("[1d, 7d]", "[pi, 7d, iteration, 1d, previous_iteration]")
        + "program_increments: [{name: a, start: 2026-01-10, end: 2026-01-20}]\n"
        + "iterations: {first: 2026-01-05, length: 1w}\n"
    )
    windows = Windows(config)
    assert list(windows.at(at("2026-01-06T00:00Z")).intervals) == ["7d", "iteration", "1d"]
    assert list(windows.at(at("2026-01-13T00:00Z")).intervals) == ["pi", "7d", "iteration", "1d", "previous_iteration"]
    assert windows.at(5 * DAY).intervals["7d"] == Interval(-2 * DAY, 5 * DAY)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-04T23:59:59.999999+00:00", (None, None)),
        ("2026-01-05T00:00+00:00", ("2026-01-05", None)),
        ("2026-01-18T23:59+00:00", ("2026-01-05", None)),
        ("2026-01-19T00:00+00:00", ("2026-01-19", "2026-01-05")),
        ("2026-12-31T00:00+00:00", ("2026-12-21", "2026-12-07")),
    ],
)
def test_iterations_follow_each_other_from_the_first_day_on(now: str, expected: tuple[str | None, ...]) -> None:
    assert names(with_periods(iterations="2026-01-05 2w"), now) == expected


def test_an_iteration_with_a_change_of_clocks_lasts_whole_days() -> None:
    config = with_periods("Europe/Berlin", iterations="2026-10-19 1w")
    expected = ("2026-10-19", "2026-10-18T23:59:59+02:00", "2026-10-25T23:59:59+01:00")
    assert bounds(config, "previous_iteration", "2026-10-26T00:00+01:00") == expected


def test_a_period_is_absent_once_items_that_were_finished_in_it_may_be_forgotten() -> None:
    config = with_periods(pis="a 2026-01-01 2026-01-10\nb 2026-01-11 2026-03-20", retention="20d")
    windows, forgotten = Windows(config), at("2026-01-21T00:00Z")
    before = windows.at(forgotten - 1)
    assert (before.names, before.until) == ({"pi": "b", "previous_pi": "a"}, forgotten)
    after = windows.at(forgotten)
    assert (after.names, after.until) == ({"pi": "b"}, at("2026-01-31T00:00Z"))
    assert windows.at(after.until - 1).names == {"pi": "b"}
    assert windows.at(after.until).names == {}


def test_an_iteration_is_forgotten_too() -> None:
    config = with_periods(iterations="2026-01-01 4d", retention="6d")
    assert names(config, "2026-01-06T23:59+00:00") == ("2026-01-05", "2026-01-01")
    assert names(config, "2026-01-07T00:00+00:00") == ("2026-01-05", None)


def test_a_period_that_is_not_configured_is_absent() -> None:
    config = configured().model_copy(update={"windows": PERIODS})
    assert (Windows(config).at(5 * DAY).intervals, Windows(config).at(5 * DAY).until) == ({}, NEVER)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+00:00", "9999-12-30T12:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_an_iteration_that_reaches_beyond_the_calendar_is_absent(zone: str, now: str) -> None:
    config = with_periods(zone, iterations="2026-10-01 2w")
    assert names(config, now) == (None, None)


def test_without_periods_no_instant_changes_what_there_is() -> None:
    assert Windows(configured()).at(5 * DAY).until == NEVER
    over = with_periods(pis="a 2026-01-01 2026-01-10", retention="20d")
    assert Windows(over).at(at("2026-02-01T00:00Z")).until == NEVER


HAVANA = with_periods("America/Havana", iterations="2026-10-31 1d")


@pytest.mark.parametrize(
    ("now", "iteration"),
    [
        # On 1 November at 1:00 clocks are turned back to midnight, so the first hour of the day comes twice.
        ("2026-10-31T23:59:59-04:00", "2026-10-31"),
        ("2026-11-01T00:00-04:00", "2026-11-01"),
        ("2026-11-01T00:59:59-04:00", "2026-11-01"),
        ("2026-11-01T00:00-05:00", "2026-11-01"),
        ("2026-11-01T23:59:59-05:00", "2026-11-01"),
        ("2026-11-02T00:00-05:00", "2026-11-02"),
        # On 14 March at midnight they are turned forward, so the day begins at 1:00.
        ("2027-03-13T23:59:59-05:00", "2027-03-13"),
        ("2027-03-14T01:00-04:00", "2027-03-14"),
    ],
)
def test_where_clocks_change_at_midnight_a_day_is_still_one_iteration(now: str, iteration: str) -> None:
    assert names(HAVANA, now)[0] == iteration
    low, high = Windows(HAVANA).at(at("2026-11-02T12:00-05:00")).intervals["previous_iteration"]
    assert high - low == 25 * HOUR


def test_an_hour_that_comes_again_before_midnight_belongs_to_the_new_iteration() -> None:
    """Until 2011 St. John's turned its clocks back at one minute past midnight, to the evening before."""
    config = with_periods("America/St_Johns", iterations="2010-11-01 1d")
    day_before, again = "2010-11-06T23:59:59-02:30", "2010-11-06T23:30-03:30"
    assert [
        names(config, now)[0] for now in (day_before, "2010-11-07T00:00-02:30", again, "2010-11-07T00:00-03:30")
    ] == [
        "2010-11-06",
        *["2010-11-07"] * 3,
    ]


def test_a_day_that_a_zone_leaves_out_is_an_iteration_of_no_time() -> None:
    """Samoa left out 30 December 2011."""
    config = with_periods("Pacific/Apia", iterations="2011-12-28 1d")
    assert names(config, "2011-12-29T23:59:59-10:00") == ("2011-12-29", "2011-12-28")
    assert names(config, "2011-12-31T00:00+14:00") == ("2011-12-31", "2011-12-30")
    opened = Windows(config).at(at("2011-12-31T12:00+14:00"))
    low, high = opened.intervals["previous_iteration"]
    assert low == high


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/St_Johns",
    "Asia/Kolkata",
)
days = st.dates(date(2009, 1, 1), date(2018, 12, 31))
MINUTES = 15


def begin_of(day: date, zone: ZoneInfo) -> int:
    """Find the first instant at which the day, or a later one, has begun, by looking at each quarter of an hour."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    while instant.astimezone(zone).date() < day:
        instant += timedelta(minutes=MINUTES)
    return round(instant.timestamp()) * SECOND


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), days, st.integers(1, 21), days, st.integers(0, 48 * 4))
def test_an_iteration_begins_and_ends_where_its_days_do(
    zone: str, first: date, length: int, near: date, quarters: int
) -> None:
    config = with_periods(zone, iterations=f"{first} {length}d", retention="9999d")
    now = (round(datetime(near.year, near.month, near.day, tzinfo=UTC).timestamp()) + quarters * 900) * SECOND
    opened = Windows(config).at(now)
    if "iteration" not in opened.names:
        assert now < begin_of(first, ZoneInfo(zone)) == opened.until
        return
    begun = date.fromisoformat(opened.names["iteration"])
    begin, end = (begin_of(begun + timedelta(days=passed), ZoneInfo(zone)) for passed in (0, length))
    assert (begun - first).days % length == 0
    assert begin <= now < end
    assert opened.intervals["iteration"] == Interval(begin - 1, min(now, end - 1))
    assert opened.until == end
    former = begun - timedelta(days=length)
    if former >= first:
        assert opened.names["previous_iteration"] == former.isoformat()
        assert opened.intervals["previous_iteration"] == Interval(begin_of(former, ZoneInfo(zone)) - 1, begin - 1)
    else:
        assert "previous_iteration" not in opened.names


LISTS = st.lists(st.integers(1, 30), min_size=2, max_size=8)


@settings(max_examples=200, deadline=None)
@given(LISTS, st.integers(0, 200 * 24), st.integers(0, 60 * 24), st.integers(5, 90))
def test_until_the_next_edge_periods_stay_what_they_are(gaps: list[int], hour: int, later: int, retention: int) -> None:
    edges = [date(2026, 1, 1) + timedelta(days=sum(gaps[: number + 1])) for number in range(len(gaps))]
    pis = "\n".join(f"{start} {start} {end}" for start, end in zip(edges[::2], edges[1::2], strict=False))
    assume(pis)
    windows = Windows(with_periods("Europe/Berlin", pis, "2026-01-10 5d", f"{retention}d"))
    now = at("2025-12-20T00:00Z") + hour * HOUR
    opened = windows.at(now)
    assert opened.until > now
    for instant in {min(now + later * HOUR, opened.until - 1), opened.until - 1} - {NEVER - 1}:
        same = windows.at(instant)
        assert (same.names, same.until) == (opened.names, opened.until)
        assert {label: same.intervals[label].low for label in same.names} == {
            label: opened.intervals[label].low for label in opened.names
        }
        # What is over stays as it is; what is running ends now.
        assert all(same.intervals[label].high in {instant, opened.intervals[label].high} for label in same.names)
