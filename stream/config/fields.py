"""The kinds of value that flow.yaml holds, each read by one function.

A reader takes the value as YAML read it. Its ValueError is the rest of a sentence that begins with the value as it was
written: "is not a limit: give a whole number of items, 1 or more".
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from math import isfinite
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, GetPydanticSchema, ValidatorFunctionWrapHandler, WithJsonSchema
from pydantic_core import core_schema

from stream.config.duration import PATTERN, UNITS, Duration
from stream.config.mistake import did_you_mean, quoted
from stream.config.node_metrics import NODE_METRICS

Period = Literal["pi", "previous_pi", "iteration", "previous_iteration"]
PERIODS: tuple[Period, ...] = get_args(Period)
_PERIODS = ", ".join(PERIODS)

MAX_NAME = 128
MAX_VALUE = 1024
MAX_LIMIT = 1_000_000_000
# Control characters, halves of surrogate pairs and line separators cannot be in a metric's label.
UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
PRINTABLE_PATTERN = f"^[^{_CONTROL}]*$"
TRIMMED_PATTERN = f"^([^\\s{_CONTROL}]([^{_CONTROL}]*[^\\s{_CONTROL}])?)?$"
# Invisible characters that str.isspace does not know.
UNSEEN = frozenset("\u200b\u2060\ufeff")
SOURCE_PATTERN = "[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*"
_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    date: "a date",
    datetime: "a date",
}


def read_text(value: object, longest: int = MAX_VALUE) -> str:
    """Read a text. A value that YAML reads as something else must be quoted."""
    if type(value) in _KINDS:
        raise ValueError(f"is {_KINDS[type(value)]} to YAML, but text is needed: quote it")
    if not isinstance(value, str):
        raise ValueError("is not text: give text")  # noqa: TRY004, pydantic collects ValueError only
    if len(value) > longest:
        raise ValueError(f"has {len(value)} characters: give at most {longest}")
    for character in value:
        if unicodedata.category(character) in UNPRINTABLE:
            raise ValueError(f"has a control character (U+{ord(character):04X}): leave it out")
    return value


def read_trimmed(value: object, longest: int = MAX_VALUE) -> str:
    """Read a text without white space at its ends, which nobody would see."""
    text = read_text(value, longest)
    begin, end = 0, len(text)
    while begin < end and _is_blank(text[begin]):
        begin += 1
    while begin < end and _is_blank(text[end - 1]):
        end -= 1
    if 0 < end - begin < len(text):
        place = "start" if begin else "end"
        raise ValueError(f"has white space at its {place}: write {quoted(text[begin:end])}")
    return text


def _is_blank(character: str) -> bool:
    return character.isspace() or character in UNSEEN


def read_version(value: object) -> int:
    """Read the version of the format."""
    if value == 1 and type(value) is int:
        return 1
    raise ValueError("is not a known version: give 1")


def read_name(value: object) -> str:
    """Read a name, which becomes the value of a label."""
    text = read_trimmed(value, MAX_NAME)
    if not text or _is_blank(text[0]):
        raise ValueError("is an empty name: give a name")
    return text


def read_source(value: object) -> str:
    """Read the name of a source, which becomes a part of its address."""
    text = read_name(value)
    if not re.fullmatch(SOURCE_PATTERN, text):
        raise ValueError("cannot be part of an address: use letters, digits, . _ ~ - and single /, as in jira/acme")
    return text


def read_match(value: object) -> str | tuple[str, ...]:
    """Read the value that a rule wants, as text: a scalar, or a list of alternatives."""
    if not isinstance(value, list | tuple):
        return _scalar(value)
    if not value:
        raise ValueError("matches nothing: give at least one value")
    return tuple(_scalar(part) for part in value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if value == value // 1 and isfinite(value) else str(value)
    return read_text(value)


def read_limit(value: object) -> int:
    """Read a WIP limit in items."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("is not a limit: give a whole number of items, 1 or more")
    if value > MAX_LIMIT:
        raise ValueError(f"is too large for a limit: give at most {MAX_LIMIT}")
    return value


def read_load_limit(value: object, by_backlog: ValidatorFunctionWrapHandler) -> int | dict[str, int] | None:
    """Read the WIP limit of a node: a number, or numbers by backlog; None if there is none."""
    if isinstance(value, dict):
        limits: dict[str, int] = by_backlog(value)
        return limits
    return None if value is None else read_limit(value)


def read_window(value: object) -> Duration | Period:
    """Read a window: the length of a trailing one, or the name of a period."""
    for period in PERIODS:
        if value == period:
            return period
    if isinstance(value, Duration) or (isinstance(value, str) and re.fullmatch(PATTERN, value)):
        return Duration.parse(value)
    hint = did_you_mean(value.lower(), PERIODS) if isinstance(value, str) else ""
    lengths = "a whole number and a unit (s, m, h, d, w), such as 7d"
    raise ValueError(f"is not a window: {hint or f'give {lengths}, or one of {_PERIODS}'}")


def read_whole_days(value: object) -> Duration:
    """Read a duration of whole days."""
    length = Duration.parse(value)
    if length.microseconds % UNITS["d"]:
        raise ValueError("is not a length in whole days: give days or weeks, such as 14d or 2w")
    return length


def read_node_metric(value: object) -> str:
    """Read the name of a metric of nodes."""
    text = read_name(value)
    if text not in NODE_METRICS:
        hint = did_you_mean(text, NODE_METRICS) or "give a name from the list of metrics, such as flow_state_seconds"
        raise ValueError(f"is not a metric of nodes: {hint}")
    return text


def read_day(value: object) -> date:
    """Read a calendar day in the years 1970 to 9998."""
    day: Any = value
    try:
        if not isinstance(value, date) or isinstance(value, datetime):
            day = date.fromisoformat(day)
    except (TypeError, ValueError):
        raise ValueError("is not a day: write it as 2026-10-01") from None
    # The day after it must be a valid time too, in any time zone.
    if not 1970 <= day.year <= 9998:
        raise ValueError("is not a day from 1970 to 9998: fix the year")
    return date(day.year, day.month, day.day)


def read_time_zone(value: object) -> str:
    """Read the name of a time zone that the time zone database knows."""
    text = read_name(value)
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        hint = did_you_mean(text, available_timezones())
        raise ValueError(f"is not a known time zone: {hint or 'give a name such as Europe/Berlin'}") from None
    return text


def read_quantile(value: object) -> float:
    """Read a quantile, between 0 and 1."""
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise ValueError("is not a quantile: give a number between 0 and 1, such as 0.85")


def read_amount(value: object) -> Duration | float:
    """Read a bound of a target: a duration, or a number of 0 or more."""
    if isinstance(value, str | Duration):
        return Duration.parse(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0:
        return value
    raise ValueError("is not an amount: give a duration such as 8d, or a number of 0 or more")


_TEXT = {"type": "string", "maxLength": MAX_VALUE, "pattern": PRINTABLE_PATTERN}
_SCALAR = {"anyOf": [_TEXT, {"type": "number"}, {"type": "boolean"}]}
_MATCH = {"anyOf": [*_SCALAR["anyOf"], {"type": "array", "items": _SCALAR, "minItems": 1}]}
_TRIMMED = {**_TEXT, "pattern": TRIMMED_PATTERN}
_NAME = {**_TRIMMED, "minLength": 1, "maxLength": MAX_NAME}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
_NULL = {"type": "null"}

Text = Annotated[str, BeforeValidator(read_trimmed), WithJsonSchema(_TRIMMED)]
Name = Annotated[str, BeforeValidator(read_name), WithJsonSchema(_NAME)]
SourceName = Annotated[str, BeforeValidator(read_source), WithJsonSchema({**_NAME, "pattern": f"^{SOURCE_PATTERN}$"})]
Match = Annotated[str | tuple[str, ...], BeforeValidator(read_match), WithJsonSchema(_MATCH)]
Limit = Annotated[int, BeforeValidator(read_limit), WithJsonSchema(_LIMIT)]
LoadLimit = Annotated[
    int | dict[str, int] | None,
    GetPydanticSchema(
        lambda _source, handler: core_schema.no_info_wrap_validator_function(
            read_load_limit,
            handler(Annotated[dict[Name, Limit], Field(min_length=1)]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda limit: limit),
        )
    ),
    WithJsonSchema({"anyOf": [_LIMIT, {"type": "object", "minProperties": 1, "additionalProperties": _LIMIT}, _NULL]}),
]
Window = Annotated[
    Duration | Period,
    BeforeValidator(read_window),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{PATTERN}$"}, {"enum": list(PERIODS)}]}),
]
WholeDays = Annotated[Duration, BeforeValidator(read_whole_days)]
NodeMetric = Annotated[str, BeforeValidator(read_node_metric), WithJsonSchema({"enum": list(NODE_METRICS)})]
Day = Annotated[date, BeforeValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
TimeZone = Annotated[str, BeforeValidator(read_time_zone), WithJsonSchema(_NAME)]
Quantile = Annotated[
    float,
    BeforeValidator(read_quantile),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
]
Amount = Annotated[
    float | Duration,
    BeforeValidator(read_amount),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{PATTERN}$"}, {"type": "number", "minimum": 0}]}),
]
Version = Annotated[int, BeforeValidator(read_version), WithJsonSchema({"const": 1})]
