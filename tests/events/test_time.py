from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.events import time as module
from stream.events.event import SECOND
from stream.events.time import format_time, parse_time

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
INSTANT = 1_795_342_500_250_000
FIRST = parse_time("0001-01-01T00:00:00Z")
LAST = parse_time("9999-12-31T23:59:59.999999Z")
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:15:00.250Z",
        "2026-11-22t10:15:00.25z",
        "2026-11-22 10:15:00.250000Z",
        "2026-11-22T12:15:00.250+02:00",
        "2026-11-22T12:15:00.250+0200",
        "2026-11-22T00:00:00.2500009999-10:15",
        "2026-11-22T10:15:00.250-00:00",
    ],
)
def test_one_instant_in_the_ways_trackers_write_it(text: str) -> None:
    assert parse_time(text) == INSTANT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-22T10:15:00", "has no offset"),
        ("2026-11-22 10:15:00.5", "has no offset"),
        ("", "cannot be read"),
        ("2026-11-22", "cannot be read"),
        ("2026-W01-1T00:00:00Z", "cannot be read"),
        ("20261122T101500Z", "cannot be read"),
        ("2026-11-22T10:15Z", "cannot be read"),
        ("2026-11-22T10:15:00,5Z", "cannot be read"),
        ("2026-11-22T10:15:00.Z", "cannot be read"),
        ("2026-11-22T10:15:00+24:00", "cannot be read"),
        ("2026-11-22T10:15:00+02:60", "cannot be read"),
        ("2026-11-22T10:15:00+02:00:30", "cannot be read"),
        ("2026-11-22T10:15:00Z\n", "cannot be read"),
        ("٢٠٢٦-11-22T10:15:00Z", "cannot be read"),
        ("2026-12-31T23:59:60Z", "is a leap second"),
        ("2026-02-29T10:15:00Z", "does not exist"),
        ("2026-11-22T24:00:00Z", "does not exist"),
        ("0000-11-22T10:15:00Z", "does not exist"),
        ("0001-01-01T00:00:00+00:01", "is outside"),
        ("9999-12-31T23:59:59-00:01", "is outside"),
    ],
)
def test_what_is_no_instant_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}.*: "):
        parse_time(text)


@CALMLY
@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS),
    st.integers(0, 10**9),
)
def test_it_agrees_with_exact_arithmetic(moment: datetime, beyond: int) -> None:
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    written = moment.isoformat(timespec="microseconds")
    assert parse_time(written) == exact
    assert parse_time(f"{written[:26]}{beyond}{written[26:]}") == exact


@CALMLY
@given(st.integers(FIRST, LAST))
def test_what_is_written_is_read_again(instant: int) -> None:
    assert parse_time(format_time(instant)) == instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (INSTANT, "2026-11-22T10:15:00.250Z"),
        (INSTANT + 1, "2026-11-22T10:15:00.250001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (FIRST, "0001-01-01T00:00:00Z"),
    ],
)
def test_written_with_the_digits_it_needs(instant: int, text: str) -> None:
    assert format_time(instant) == text


def test_beyond_the_calendar_nothing_is_written() -> None:
    with pytest.raises(OverflowError):
        format_time(LAST + 1)


def as_parsed(text: str, read: Callable[[str], int]) -> int | str:
    try:
        return read(text)
    except ValueError as error:
        return str(error)


HOURS = ["2026-11-22T10:", "2026-11-22 10:", "2026-11-22T24:", "2026-02-29T10:", "0001-01-01T00:", "9999-12-31T23:"]
MINUTES = ["00:00", "59:59", "59:60", "60:00", "1:000"]
RESTS = ["Z", "z", ".5Z", ".250+0200", ".1234567-23:59", "+00:01", "-00:01", "+24:00", "", ".Z"]


@pytest.mark.parametrize("before", ["", "2026-11-22T10:00:00Z", "2026-11-22T10:59:59.250+0200"])
def test_remembered_parts_change_no_time_and_no_refusal(before: str) -> None:
    for text in map("".join, product(HOURS, MINUTES, RESTS)):
        expected = as_parsed(text, module._parsed)
        for known in filter(None, (before, f"{text[:14]}00:00Z", f"2026-11-22T10:00:00{text[19:]}", text)):
            as_parsed(known, parse_time)
        assert as_parsed(text, parse_time) == expected


def test_the_number_of_remembered_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 3)
    module._HOURS.clear()
    for hour in range(10):
        assert parse_time(f"2026-11-22T{hour:02}:15:00Z") == parse_time("2026-11-22T00:15:00Z") + hour * 3_600 * SECOND
        assert len(module._HOURS) <= 3
