"""A record of the events topic becomes an `Event`, or a `Rejection` that quotes what was wrong.

Both CloudEvents modes of the Kafka binding are read: structured (the value is the envelope) and binary (`ce_*` headers,
the value is `data`). `stream.events.common` reads nearly all events. This module reads all others, and says what is
wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

import orjson

from stream.events.common import read_common
from stream.events.event import DAY, Event, EventType
from stream.events.limits import (
    LEFT_OUT,
    MAX_AHEAD,
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    MAX_FIELDS,
    MAX_ID,
    MAX_LABELS,
    MAX_NAME,
    MAX_TEXT,
    MAX_VALUE,
)
from stream.events.rejection import Reason, Rejection
from stream.events.time import parse_time

_TYPES = {str(kind): kind for kind in EventType}
_ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "time", "sequence"})
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_QUOTED = 60


def decode(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]], arrival: int) -> Event:
    """Decode and check one record; `arrival` is when it came into the topic (microseconds).

    Raises Rejection with the first reason that applies, and with the event's source if it is known.
    """
    if value is None:
        raise Rejection(Reason.TOMBSTONE, f"the record has no value: to remove an item send {EventType.DELETED}")
    event = decode_value(value, arrival, _attributes(headers) if headers else None)
    if event.item.encode() != key:
        shown = "no key" if key is None else f"the key {quoted(key.decode(errors='replace'))}"
        detail = f"the record has {shown}: its key must be the item, {quoted(event.item)}, in UTF-8"
        raise Rejection(Reason.KEY_MISMATCH, detail, event.source)
    return event


def decode_value(value: bytes, arrival: int, attributes: Mapping[str, object] | None = None) -> Event:
    """Decode an event from its value alone, as in a log; `attributes` are those of binary mode.

    Raises Rejection.
    """
    if attributes is None and len(value) <= MAX_EVENT_BYTES:
        event = read_common(value, arrival)
        if event is not None:
            return event
    return _read_any(value, arrival, attributes)


def _read_any(value: bytes, arrival: int, attributes: Mapping[str, object] | None) -> Event:
    source = "" if attributes is None else known_source(attributes)
    if len(value) > MAX_EVENT_BYTES:
        detail = f"{len(value):,} bytes are more than {MAX_EVENT_BYTES:,}: send only the fields that changed"
        raise Rejection(Reason.TOO_LARGE, detail, source)
    try:
        read: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        start = quoted(value[:_QUOTED].decode(errors="replace"))
        raise Rejection(Reason.NOT_JSON, f"{start}: {error}: send JSON in UTF-8", source) from None
    return read_envelope(read if attributes is None else {**attributes, "data": read}, arrival)


def read_envelope(envelope: object, arrival: int) -> Event:
    """Check a parsed CloudEvents envelope, and give its event. Raises Rejection."""
    if not isinstance(envelope, dict):
        detail = f"the event is {quoted(envelope)}: send one CloudEvents object a record"
        raise Rejection(Reason.NOT_AN_EVENT, detail)
    source = known_source(envelope)
    try:
        return _event(envelope, source, arrival)
    except Rejection as rejection:
        rejection.source = source
        raise


def known_source(envelope: Mapping[str, object]) -> str:
    """Give the envelope's source; "" if it has none that can be a label."""
    source = envelope.get("source")
    return source if is_name(source, MAX_NAME) else ""


def is_name(value: object, limit: int) -> TypeGuard[str]:
    """Tell whether a value is text, not blank, of at most `limit` characters, without control characters."""
    return type(value) is str and len(value) <= limit and bool(value.strip()) and _is_clean(value)


def quoted(value: object) -> str:
    """Quote a value in a message: shortened, on one line, in the words of JSON."""
    if isinstance(value, str):
        return repr(value if len(value) <= _QUOTED else value[:_QUOTED] + "…")
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return orjson.dumps(value).decode()
    return str(value)[:_QUOTED]


def _is_clean(text: str) -> bool:
    # isprintable is much faster than the search, but also false for harmless characters (no-break space).
    return text.isprintable() or _CONTROL.search(text) is None


def _attributes(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, object] | None:
    """Give the attributes in the headers; None in structured mode."""
    attributes: dict[str, object] = {}
    for name, value in headers:
        if name == "content-type" and (value or b"").lower().startswith(b"application/cloudevents"):
            return None
        if name.startswith("ce_") and name[3:] in _ATTRIBUTES:
            attributes[name[3:]] = _header_text(value)
    return attributes or None


def _header_text(value: bytes | None) -> object:
    """Give a header's text. Bytes that are not UTF-8 stay bytes, which no check accepts as text."""
    try:
        return value and value.decode()
    except UnicodeDecodeError:
        return value


def _event(envelope: Mapping[str, Any], source: str, arrival: int) -> Event:
    kind, name = _head(envelope, source)
    data = envelope["data"]
    item = _item(data, "objective" if kind is EventType.OBJECTIVE else "item")
    changes = {} if kind is EventType.ERASED else _changes(data, kind)
    sequence = _sequence(envelope.get("sequence"))
    time = _time(envelope.get("time"), arrival)
    return Event(source, name, time, sequence, kind, item, changes)


def _head(envelope: Mapping[str, Any], source: str) -> tuple[EventType, str]:
    """Check the attributes that every event needs, and give type and id."""
    name, kind = envelope.get("id"), envelope.get("type")
    if envelope.get("specversion") != "1.0":
        raise _not_an_event("specversion", envelope, 'send CloudEvents "1.0"')
    if not source:
        raise _not_an_event("source", envelope, f"name where it comes from, in at most {MAX_NAME} characters")
    if not is_name(name, MAX_ID):
        raise _not_an_event("id", envelope, f"name the event, in at most {MAX_ID:,} characters")
    if type(kind) is not str or not kind.strip():
        raise _not_an_event("type", envelope, f"send one of {', '.join(_TYPES)}")
    if type(envelope.get("data")) is not dict:
        raise _not_an_event("data", envelope, "send an object with the item and the fields that changed")
    if kind not in _TYPES:
        raise Rejection(Reason.UNKNOWN_TYPE, f"the type is {quoted(kind)}: send one of {', '.join(_TYPES)}")
    return _TYPES[kind], name


def _not_an_event(attribute: str, envelope: Mapping[str, Any], fix: str) -> Rejection:
    shown = f"is {quoted(envelope[attribute])}" if attribute in envelope else "is missing"
    return Rejection(Reason.NOT_AN_EVENT, f"{attribute} {shown}: {fix}")


def _item(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if type(value) is int:
        return str(value)
    if is_name(value, MAX_NAME):
        return value
    # Whole numbers beyond 64 bits are read as rounded floats, which could make two items one.
    fix = f"give the tracker's immutable id, as text of 1 to {MAX_NAME} characters or a whole number"
    if field in data:
        raise _bad(field, value, fix)
    raise Rejection(Reason.BAD_FIELD, f"{field} is missing: {fix}")


def _changes(data: Mapping[str, Any], kind: EventType) -> dict[str, Any]:
    """Check the fields that the event sets, and give them."""
    if len(data) > MAX_FIELDS:
        detail = f"data has {len(data):,} fields: send at most {MAX_FIELDS}"
        raise Rejection(Reason.BAD_FIELD, detail)
    if kind is EventType.OBJECTIVE:
        return {field: check(field, data[field]) for field, check in _OBJECTIVE.items() if field in data}
    changes: dict[str, Any] = {}
    for field, value in data.items():
        check = _FIELDS.get(field)
        if check is not None:
            changes[field] = check(field, value)
        elif field not in LEFT_OUT:
            changes[field] = _attribute(field, value)
    return changes


def _bad(field: str, value: object, fix: str) -> Rejection:
    name = field if len(field) <= _QUOTED and field.isprintable() else quoted(field)
    return Rejection(Reason.BAD_FIELD, f"{name} is {quoted(value)}: {fix}")


def _name_or_null(field: str, value: object) -> object:
    if value is None or (type(value) is str and len(value) <= MAX_NAME):
        return value
    raise _bad(field, value, f"give text of at most {MAX_NAME} characters, or null")


def _flag(field: str, value: object) -> bool:
    if value is None or type(value) is bool:
        return bool(value)
    raise _bad(field, value, "give true or false")


def _number(field: str, value: object) -> object:
    if value is None or type(value) is int or type(value) is float:
        return value
    raise _bad(field, value, "give a number, or null")


def _amount(field: str, value: object) -> object:
    if _number(field, value) is not None and not 0 <= value <= MAX_VALUE:  # type: ignore[operator]
        raise _bad(field, value, f"give 0 to {MAX_VALUE:,}, or null")
    return value


def _label_or_null(field: str, value: object) -> object:
    if value is None or is_name(value, MAX_NAME):
        return value
    raise _bad(
        field, value, f"give text of 1 to {MAX_NAME} characters, not blank and without control characters, or null"
    )


def _labels(field: str, value: object) -> list[str]:
    if value is None:
        return []
    if type(value) is list and len(value) <= MAX_LABELS and all(_is_label(label) for label in value):
        return value
    fix = f"give a list of at most {MAX_LABELS} texts of at most {MAX_NAME} characters each"
    raise _bad(field, value, fix)


def _is_label(value: object) -> bool:
    return type(value) is str and len(value) <= MAX_NAME


def _attribute(field: str, value: object) -> object:
    """Check a field to which flowgauge gives no meaning."""
    if len(field) > MAX_NAME:
        raise _bad(field, value, f"name a field in at most {MAX_NAME} characters")
    if type(value) is str:
        if len(value) > MAX_TEXT:
            raise _bad(field, value, f"its {len(value):,} characters are more than {MAX_TEXT:,}: shorten it")
    elif type(value) is dict or type(value) is list:
        if not _is_shallow(value, MAX_DEPTH):
            raise _bad(field, value, f"nest at most {MAX_DEPTH} levels")
        size = len(orjson.dumps(value))
        if size > MAX_TEXT:
            raise _bad(field, value, f"its {size:,} bytes are more than {MAX_TEXT:,}: send what rules need")
    return value


def _is_shallow(value: object, levels: int) -> bool:
    # orjson reads deeper nesting than it writes, and the history adds levels around a value.
    if type(value) is not dict and type(value) is not list:
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)


def _sequence(value: object) -> str:
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if type(value) is str and len(value) <= MAX_NAME and _is_clean(value):
        return value
    raise _bad("sequence", value, f"give text of at most {MAX_NAME} characters, which sorts as text")


def _time(value: object, arrival: int) -> int:
    if value is None:
        detail = "time is missing: say when it happened; the arrival time is never used instead"
        raise Rejection(Reason.BAD_TIME, detail)
    if type(value) is not str:
        raise Rejection(Reason.BAD_TIME, f"time is {quoted(value)}: write it as RFC 3339 text")
    try:
        time = parse_time(value)
    except ValueError as error:
        raise Rejection(Reason.BAD_TIME, f"the time {quoted(value)} {error}") from None
    if time > arrival + MAX_AHEAD:
        detail = f"the time {quoted(value)} is more than {MAX_AHEAD // DAY} days after the event's arrival"
        raise Rejection(Reason.IN_THE_FUTURE, f"{detail}: correct the source's clock")
    return time


_Check = Callable[[str, object], object]
_FIELDS: dict[str, _Check] = {
    "state": _name_or_null,
    "previous_state": _name_or_null,
    "team": _name_or_null,
    "item_type": _name_or_null,
    "blocked": _flag,
    "points": _number,
    "labels": _labels,
}
_OBJECTIVE: dict[str, _Check] = {
    "pi": _label_or_null,
    "team": _name_or_null,
    "art": _name_or_null,
    "value_stream": _name_or_null,
    "committed": _flag,
    "planned_value": _amount,
    "actual_value": _amount,
}
