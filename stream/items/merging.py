"""Merges the rows of an item whose events were in several partitions."""

from __future__ import annotations

from collections.abc import Sequence

from stream.events.event import Event
from stream.events.rejection import Rejection
from stream.items.history import decode_history


def merge_rows(rows: Sequence[bytes]) -> tuple[bytes, int]:
    """Give one row with the events of all these rows, and the number of events that did not fit into it.

    The last arrival and all partitions that hold the summary are kept. An erasure in one of the rows takes effect when
    the item is next folded.
    """
    merged, *others = map(decode_history, rows)
    left_out = 0
    for other in others:
        for one in other.entries:
            event = Event(one.source, one.id, one.time, one.sequence, one.type, "", one.changes)
            try:
                merged.add(event, other.arrival)
            except Rejection:
                left_out += 1
        merged.sent |= other.sent
    return merged.encode(), left_out
