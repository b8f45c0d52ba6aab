"""The event: one change of one work item, as it happened at its source.

Times are whole microseconds since 1970-01-01T00:00:00Z. So sums and comparisons are exact, and the same in every order
of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

SECOND = 1_000_000
DAY = 86_400 * SECOND


class EventType(StrEnum):
    """CloudEvents `type` of an event."""

    CHANGED = "flow.item.changed"
    DELETED = "flow.item.deleted"
    ERASED = "flow.item.erased"
    OBJECTIVE = "flow.objective.changed"


class Event(Struct, frozen=True, gc=False):
    """One change, decoded and checked.

    `source` and `id` together identify the event: two events with the same ones are one event.

    Attributes:
        time: When it happened (microseconds).
        sequence: Orders events with the same time; sorts as text.
        item: The tracker's immutable id; for an objective, its id.
        changes: The fields of `data` that get their values at `time`.
    """

    source: str
    id: str
    time: int
    sequence: str
    type: EventType
    item: str
    changes: Mapping[str, Any]
