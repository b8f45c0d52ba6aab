"""The end of an item's history: what comes in order is appended and folded alone.

Most events come after all others of their item. For these the history need not be read, nor folded from its
beginning: the life after its last event is remembered, and the row is the same bytes as if the history had been
written anew. Everything else (late, doubled, from the future, an erasure) goes to the history itself.
"""

from __future__ import annotations

import orjson

from stream.events.event import Event, EventType
from stream.items.fold import Life
from stream.items.history import (
    MAX_EVENTS,
    MAX_ROW_BYTES,
    Entry,
    History,
    append,
    decode_history,
    encode_entry,
    read_header,
)

ORDINARY = frozenset({EventType.CHANGED, EventType.DELETED})


class Tail:
    """An item's row, its life after its last entry, and what was appended since; `count` entries are in the row."""

    __slots__ = ("_parts", "_size", "arrival", "count", "last", "life", "row", "sent")

    def __init__(self, row: bytes, life: Life, last: Entry, count: int) -> None:
        header = read_header(row)
        self.row = row
        self.life = life
        self.last = last
        self.count = count
        self.arrival, self.sent = header.arrival, header.sent
        self._parts: list[bytes] = []
        self._size = len(row)

    def add(self, event: Event, arrival: int, now: int) -> bool:
        """Append an event that follows all others and is known at `now`; False where the history must be asked."""
        entry = Entry(event.time, event.sequence, event.id, event.source, event.type, event.changes)
        if event.type not in ORDINARY or event.time > now or not self.last.place < entry.place:
            return False
        part = encode_entry(entry)
        full = self.count >= MAX_EVENTS or self._size + len(part) >= MAX_ROW_BYTES
        if full or self._may_be_there(event.id):
            return False
        self._parts.append(part)
        self._size += len(part) + 1
        self.count += 1
        self.last = entry
        self.arrival = max(self.arrival, arrival)
        self.life.take(entry)
        return True

    def _may_be_there(self, event_id: str) -> bool:
        # The id is looked for as text: it may also be something else that reads so, never the other way round.
        written = orjson.dumps(event_id)
        return written in self.row or any(written in part for part in self._parts)

    def history(self) -> History:
        """Give the whole history, what was appended included."""
        return decode_history(self.encode())

    @property
    def newest(self) -> int:
        """Give the time of the newest event."""
        return self.last.time

    def encode(self) -> bytes:
        """Write the row: the bytes that the history would write."""
        return append(self.row, self._parts, self.newest, self.arrival, self.sent)
