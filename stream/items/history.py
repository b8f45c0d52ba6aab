"""The item's history: every event it ever had, sorted; its row is `stream.items.row`.

The same set of events gives a row with the same bytes, in any order and with any duplicates. Only `sent`, the
partitions of `flow.items` that ever held the item's summary, depends on the order.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import orjson

from stream.events.event import Event, EventType
from stream.events.rejection import Reason, Rejection
from stream.items.row import Entry, Header, encode_entries, read_entries, read_header, write_row

MAX_EVENTS = 5_000
MAX_ROW_BYTES = 4 * 1024 * 1024


class History:
    """The events of one item, while a batch works on it."""

    __slots__ = ("_names", "arrival", "came", "entries", "sent", "size")

    def __init__(self, entries: list[Entry], arrival: int, sent: int, size: int) -> None:
        self.entries = entries
        self.arrival = arrival
        self.sent = sent
        # The last arrival in the batch that works on it.
        self.came = 0
        # Bytes of the row, as far as they are known.
        self.size = size
        # The ids of all entries, once an event has been looked for.
        self._names: set[str] | None = None

    def add(self, event: Event, arrival: int) -> bool:
        """Insert an event by its time; False if it was there before.

        Two different contents under one source and id are one event. The lower one in a fixed order is kept, so the
        order of arrival does not matter; an erasure is lower than all others, since it cannot be undone. Raises
        `Rejection` (history_full) beyond the limits.
        """
        entry = Entry(event.time, event.sequence, event.id, event.source, event.type, event.changes)
        if self._names is None:
            self._names = {known.id for known in self.entries}
        twin = self._named(event.id, event.source) if event.id in self._names else None
        if twin is None:
            self._admit(entry)
            self._names.add(event.id)
        elif _canonical(entry) < _canonical(self.entries[twin]):
            del self.entries[twin]
            self._insert(entry)
        self.arrival = max(self.arrival, arrival)
        self.came = max(self.came, arrival)
        return twin is None

    def _named(self, event_id: str, source: str) -> int | None:
        for index, entry in enumerate(self.entries):
            if entry.id == event_id and entry.source == source:
                return index
        return None

    def _admit(self, entry: Entry) -> None:
        size = size_of(entry)
        full = is_full(len(self.entries), self.size + size)
        # A full item must still be erasable, so the first erasure is always admitted.
        if full and (entry.type is not EventType.ERASED or any(other.type is entry.type for other in self.entries)):
            raise full_rejection(len(self.entries), entry.source)
        self.size += size
        self._insert(entry)

    def _insert(self, entry: Entry) -> None:
        entries = self.entries
        if not entries or entries[-1].place < entry.place:
            entries.append(entry)
        else:
            entries.insert(bisect_left(entries, entry.place, key=lambda other: other.place), entry)

    def forget_if_erased(self, now: int) -> None:
        """Keep only the erasure of an erased item; late events do not bring the item back."""
        for entry in self.entries:
            if entry.time > now:
                return
            if entry.type is EventType.ERASED:
                self.entries = [entry._replace(changes={})]
                self.size, self._names = 0, None
                return

    @property
    def newest(self) -> int:
        """Give the time of the newest event."""
        return self.entries[-1].time

    def encode(self) -> bytes:
        """Write the row."""
        return write_row(Header(self.newest, self.arrival, self.sent), encode_entries(self.entries))


def size_of(entry: Entry) -> int:
    """Give how many bytes of a history's room an entry takes."""
    return len(orjson.dumps((*entry.place, 0, entry.changes))) + 1


def full_rejection(events: int, source: str) -> Rejection:
    """Give the rejection for an item with this number of events."""
    return Rejection(
        Reason.HISTORY_FULL,
        f"the item has {events:,} events; at most {MAX_EVENTS:,} events and "
        f"{MAX_ROW_BYTES:,} bytes are kept of one item: find out what keeps changing it",
        source,
    )


def is_full(events: int, size: int) -> bool:
    """Tell whether an item has no room for another event; `size` is the row's size with it (bytes)."""
    return events >= MAX_EVENTS or size > MAX_ROW_BYTES


def new_history() -> History:
    """Begin the history of a new item."""
    return History([], arrival=0, sent=0, size=0)


def decode_history(row: bytes) -> History:
    """Read a row. Raises ValueError if it cannot be read."""
    header = read_header(row)
    return History(read_entries(row), header.arrival, header.sent, len(row))


def _canonical(entry: Entry) -> tuple[Any, ...]:
    erased = entry.type is EventType.ERASED
    return (not erased, *entry.place, entry.type, orjson.dumps(entry.changes, option=orjson.OPT_SORT_KEYS))
