"""Items whose history has no room: enough is remembered to refuse an event without reading the history.

Without it, each event of a bot that keeps changing a full item would cost reading and folding five thousand events.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from stream.events.event import Event, EventType
from stream.items.history import History, full_rejection, is_full, size_of
from stream.items.row import Entry, encode_entry

# Each takes up to about forty kilobytes.
MAX_FULL = 500


class Full:
    """A history that has refused an event. `stored` is its row in the table, compared by identity."""

    __slots__ = ("_count", "_erased", "_last", "_names", "_size", "stored")

    def __init__(self, history: History, stored: bytes) -> None:
        self.stored = stored
        self._count = len(history.entries)
        self._size = history.size
        self._last = history.entries[-1]
        # Eight bytes each; a set would take ten times as much.
        self._names = array("q", sorted(hash(entry.id) for entry in history.entries))
        self._erased = any(entry.type is EventType.ERASED for entry in history.entries)

    def check(self, event: Event) -> None:
        """Raise `Rejection` if the history surely would.

        An event that the history may know or have room for passes, and is left to the history. Fast twin of
        `History.add`; held equal by tests/items/test_full.py.
        """
        if self._may_have(event.id) or (event.type is EventType.ERASED and not self._erased):
            return
        if is_full(self._count, 0) or is_full(self._count, self._size + self._least(event)):
            raise full_rejection(self._count, event.source)

    def _may_have(self, name: str) -> bool:
        names, looked_for = self._names, hash(name)
        place = bisect_left(names, looked_for)
        return place < len(names) and names[place] == looked_for

    def _least(self, event: Event) -> int:
        # An appended entry may take less room than an inserted one. Only if not even that fits is the event refused.
        entry = Entry(event.time, event.sequence, event.id, event.source, event.type, event.changes)
        return min(size_of(entry), len(encode_entry(entry, self._last)) + 1)


class FullItems:
    """The items of a partition that have lately refused an event."""

    def __init__(self) -> None:
        self._items: dict[bytes, Full] = {}

    def check(self, key: bytes, stored: bytes | None, event: Event) -> None:
        """Raise `Rejection` if an item that is remembered is full; `stored` is its row in the table now."""
        full = self._items.pop(key)
        if full.stored is stored:
            self._items[key] = full
            full.check(event)

    def remember(self, key: bytes, history: History, stored: bytes) -> None:
        """Remember an item that has refused an event, and forget the one that was checked longest ago."""
        if len(self._items) >= MAX_FULL:
            del self._items[next(iter(self._items))]
        self._items[key] = Full(history, stored)

    def __contains__(self, key: bytes) -> bool:
        return key in self._items
