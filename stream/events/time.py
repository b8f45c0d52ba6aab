"""Times as text (RFC 3339) and as whole microseconds since 1970-01-01T00:00:00Z, exactly, without floats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from stream.events.event import SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_DAY_SECONDS = 86_400
_LOCAL = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?"
_WITHOUT_OFFSET = re.compile(_LOCAL, re.ASCII)
_TIME = re.compile(_LOCAL + r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)", re.ASCII)
# Times with microseconds hardly ever share their ends, so these are not remembered.
_FINE = re.compile(r"\.\d{4}")
_MAX_REMEMBERED = 20_000
_HOURS: dict[str, int] = {}
_MINUTES = {f"{second // 60:02}:{second % 60:02}": second * SECOND for second in range(3_600)}
_RESTS: dict[str, int] = {}
_LIKE = "write it like 2026-11-22T10:15:00Z or 2026-11-22T12:15:00+02:00"


def parse_time(text: str) -> int:
    """Read an RFC 3339 time; digits beyond the microsecond are cut.

    Also accepted, since trackers write them: `+0200`, lower-case `t` and `z`, a space instead of the `T`. Raises
    ValueError; its message continues "the time TEXT ..." and says how to fix it.
    """
    try:
        return _HOURS[text[:14]] + _MINUTES[text[14:19]] + _RESTS[text[19:]]
    except KeyError:
        instant = _parsed(text)
        _learn(text)
        return instant


def _learn(text: str) -> None:
    """Remember the parts of a valid time: times share most parts, and three look-ups are faster than parsing."""
    hour, rest = text[:14], text[19:]
    # Near the first and last year, valid parts may be invalid together. Hour 24 is valid with some minutes only.
    if not "0001" < text[:4] < "9999" or hour[11:13] == "24" or _FINE.match(rest) is not None:
        return
    for memory, part, known in ((_HOURS, hour, f"{hour}00:00Z"), (_RESTS, rest, f"1970-01-01T00:00:00{rest}")):
        if len(memory) >= _MAX_REMEMBERED:
            memory.clear()
        memory[part] = _parsed(known)


def _parsed(text: str) -> int:
    # The shape is checked first because fromisoformat also takes week dates and times without an offset.
    if _TIME.fullmatch(text) is None:
        without_offset = _WITHOUT_OFFSET.fullmatch(text) is not None
        raise ValueError(f"has no offset: {_LIKE}" if without_offset else f"cannot be read: {_LIKE}")
    try:
        since = datetime.fromisoformat(text.upper()) - _EPOCH
    except ValueError as error:
        if text[17:19] == "60":
            raise ValueError("is a leap second, which has no number: write second 59") from None
        raise ValueError(f"does not exist: {error}") from None
    instant = (since.days * _DAY_SECONDS + since.seconds) * SECOND + since.microseconds
    if not _FIRST <= instant <= _LAST:
        raise ValueError("is outside the years 1 to 9999 in UTC: correct the year")
    return instant


def format_time(instant: int) -> str:
    """Write microseconds since the epoch as RFC 3339 in UTC, with milliseconds or microseconds if needed.

    Raises OverflowError outside the years 1 to 9999.
    """
    if instant % SECOND == 0:
        precision = "seconds"
    else:
        precision = "microseconds" if instant % 1_000 else "milliseconds"
    return (_NAIVE_EPOCH + timedelta(microseconds=instant)).isoformat(timespec=precision) + "Z"


_FIRST = (datetime.min - _NAIVE_EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max - _NAIVE_EPOCH) // timedelta(microseconds=1)
