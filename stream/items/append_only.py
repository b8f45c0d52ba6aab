"""An item's history while its events come in order: each event is appended and folded alone.

Fast twin of `stream.items.history` and of the fold from its beginning; held equal by tests/items/test_append_only.py.
Most events come after all others of their item. A batch reads and folds the history of such an item once, then appends
each event and folds it alone. The row has the same bytes as one written from the whole history. All other events (late,
duplicate, from the future, an erasure) go to the whole history.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from stream.events.event import Event, EventType
from stream.items.fold import Life, live
from stream.items.history import History, decode_history, is_full, new_history
from stream.items.row import NOTHING, ROW_VERSION, Entry, Header, encode_entry, write_row
from stream.items.rules import Rules

ORDINARY = frozenset({EventType.CHANGED, EventType.DELETED})
_HASH = Struct("q").pack


class AppendOnlyHistory:
    """An item's row, its life after its last entry, and the entries appended since.

    Attributes:
        row: The row that the batch found; None for a new item.
        life: The item after its last entry.
        last: The last entry.
        count: The number of entries, those appended included.
        arrival: The last arrival, before the batch that works on it (microseconds).
        came: The last arrival in the batch that works on it (microseconds).
        sent: Bit set of the partitions of `flow.items` that ever held the item's summary.
    """

    __slots__ = ("_added", "_names", "_size", "arrival", "came", "count", "last", "life", "row", "sent")

    def __init__(self, life: Life) -> None:
        """Begin with a new item and its life before its first event."""
        self.row: bytes | None = None
        self.life = life
        self.last: Entry | Event = NOTHING
        self.count = self.arrival = self.came = self.sent = 0
        self._names = b""
        # In one piece: each result of the encoder holds kilobytes until it is freed.
        self._added = bytearray()
        self._size = 0

    @classmethod
    def of(cls, history: History, row: bytes, life: Life) -> AppendOnlyHistory:
        """Begin with a history whose events are all known, the row it was read from or written to, and its life."""
        opened = cls(life)
        opened.row, opened.last = row, history.entries[-1]
        opened.count, opened.arrival, opened.sent = len(history.entries), history.arrival, history.sent
        opened._names = _hashes(entry.id for entry in history.entries)
        opened._size = len(row)
        return opened

    def add(self, event: Event, arrival: int, now: int) -> bool:
        """Append an event that follows all others and is known at `now`; False if it must go to the whole history."""
        time, last = event.time, self.last
        if event.type not in ORDINARY or time > now:
            return False
        if time <= last.time and self.count and _place(event) <= _place(last):
            return False
        # The event may have come before. An equal hash is enough to ask the whole history.
        name, part = _HASH(hash(event.id)), encode_entry(event, last)
        size = self._size + len(part) + 1
        if name in self._names or is_full(self.count, size):
            return False
        self.life.add(event)
        self._names += name
        added = self._added
        if added:
            added += b","
        added += part
        self._size = size
        self.count += 1
        self.last = event
        if arrival > self.came:  # noqa: PLR1730
            self.came = arrival
        return True

    def history(self) -> History:
        """Give the whole history, with the entries that were appended."""
        if not self.count:
            return new_history()
        history = decode_history(self.encode())
        history.came = self.came
        return history

    def encode(self) -> bytes:
        """Write the row, with the same bytes as the whole history would write."""
        self.arrival = max(self.arrival, self.came)
        added = (self._added,) if self._added else ()
        return write_row(Header(self.last.time, self.arrival, self.sent), added, self.row)

    def settle(self, sent: int) -> bytes | None:
        """Give the row, with where the summary was sent, or None if nothing has changed."""
        changed = bool(self._added) or sent != self.sent
        self.sent = sent
        return self.encode() if changed else None


def reopen(row: bytes, rules: Rules, now: int, event: Event | None = None) -> History | AppendOnlyHistory:
    """Read a row, for an event if one came.

    It can be appended to if all its events are known at `now` and the item is not erased.
    """
    history = decode_history(row)
    # Nothing can be appended to a row of another version. An event that is not later is mostly a duplicate.
    appendable = row[0] == ROW_VERSION and history.newest <= now and (event is None or event.time > history.newest)
    life = live(history.entries, rules, now) if appendable else None
    return history if life is None else AppendOnlyHistory.of(history, row, life)


def _place(event: Entry | Event) -> tuple[int, str, str, str]:
    return event.time, event.sequence, event.id, event.source


def _hashes(names: Iterable[str]) -> bytes:
    return b"".join([_HASH(hash(name)) for name in names])
