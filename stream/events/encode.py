"""Writes an event as a record of the events topic: CloudEvents in structured mode, keyed by its item."""

from __future__ import annotations

from typing import Any

import orjson

from stream.events.event import Event, EventType
from stream.events.time import format_time


def envelope(event: Event) -> dict[str, Any]:
    """Give the CloudEvents envelope of an event; an empty sequence is left out."""
    written: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": str(event.type),
        "time": format_time(event.time),
    }
    if event.sequence:
        written["sequence"] = event.sequence
    item_field = "objective" if event.type is EventType.OBJECTIVE else "item"
    return {**written, "data": {item_field: event.item, **event.changes}}


def encode(event: Event) -> bytes:
    """Write an event as a record's value; `decode` reads the same event from it."""
    return orjson.dumps(envelope(event))


def key_of(event: Event) -> bytes:
    """Give the record's key: the item in UTF-8, so that an item's events stay in one partition."""
    return event.item.encode()
