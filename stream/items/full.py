"""What is remembered of items whose history has no room: enough to refuse an event without reading the history.

A bot that goes on with a full item would otherwise cost the reading and folding of five thousand events for each of
its own.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from stream.events.event import Event, EventType
from stream.items.history import History, full_rejection, is_full, size_of
from stream.items.row import Entry, encode_entry

# Up to some forty kilobytes each.
MAX_FULL = 500


class Full:
    """A history that has refused an event; `stored` is the very object that the table holds as its row."""

    __slots__ = ("_count", "_erased", "_last", "_names", "_size", "stored")

    def __init__(self, history: History, stored: bytes) -> None:
        self.stored = stored
        self._count = len(history.entries)
        self._size = history.size
        self._last = history.entries[-1]
        # In eight bytes each: a set would take ten times as many.
        self._names = array("q", sorted(hash(entry.id) for entry in history.entries))
        self._erased = any(entry.type is EventType.ERASED for entry in history.entries)

    def check(self, event: Event) -> None:
        """Raise `Rejection` where the history would; what it may know already, or has room for, is not told here."""
        if self._may_have(event.id) or (event.type is EventType.ERASED and not self._erased):
            return
        if is_full(self._count, 0) or is_full(self._count, self._size + self._least(event)):
            raise full_rejection(self._count, event.source)

    def _may_have(self, name: str) -> bool:
        names, looked_for = self._names, hash(name)
        place = bisect_left(names, looked_for)
        return place < len(names) and names[place] == looked_for

    def _least(self, event: Event) -> int:
        # Appended it may take less room than inserted: there is none only if there is none for the less.
        entry = Entry(event.time, event.sequence, event.id, event.source, event.type, event.changes)
        return min(size_of(entry), len(encode_entry(entry, self._last)) + 1)


class FullItems:
    """The items of a partition that have refused an event of late."""

    def __init__(self) -> None:
        self._items: dict[bytes, Full] = {}

    def check(self, key: bytes, stored: bytes | None, event: Event) -> None:
        """Raise `Rejection` where an item that is remembered is full; `stored` is what the table holds of it now."""
        full = self._items.pop(key)
        if full.stored is stored:
            self._items[key] = full
            full.check(event)

    def remember(self, key: bytes, history: History, stored: bytes) -> None:
        """Remember an item that has refused an event; what nobody asked for longest is forgotten."""
        if len(self._items) >= MAX_FULL:
            del self._items[next(iter(self._items))]
        self._items[key] = Full(history, stored)

    def __contains__(self, key: bytes) -> bool:
        return key in self._items
