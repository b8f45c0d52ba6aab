"""One row of several of the same item, as an item has them whose events were in several partitions."""

from __future__ import annotations

from collections.abc import Sequence

from stream.events.event import Event
from stream.events.rejection import Rejection
from stream.items.history import decode_history


def merge_rows(rows: Sequence[bytes]) -> tuple[bytes, int]:
    """Give the row that all events of these would have made, and how many found no room in it.

    The last arrival and every partition that holds the summary are kept. An erasure in one of the rows takes effect
    when the item is folded the next time.
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
