"""One partition of `flow.events` as this worker tracks it. It begins with the assignment and ends with it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from stream.events.rejection import Rejection
from stream.items.append_only import AppendOnlyHistory
from stream.items.full import FullItems
from stream.items.outcome import Outcome
from stream.items.row import read_newest
from stream.items.tracker import Batch
from stream.kafka.places import TP
from stream.kafka.reads import Polled
from stream.worker.clients import Delivery
from stream.worker.due import Due

# If fewer events than this remain in a partition, the next poll may bring its last one, so its batch is closed at once.
FAR = 20_000
# With so many at a time some five events come to one row, with half as many some four and a half.
MAX_GATHERED = 80_000
# Large events count as several, so that no more than 64 MiB are held until they are durable.
BYTES_AN_EVENT = 64 * 1024 * 1024 // MAX_GATHERED
# Events. A batch takes its room however few they are.
LEAST = 100


@dataclass
class OpenBatch:
    """Polls that are closed as one batch: of an item's many events in them come one row and one summary."""

    batch: Batch
    next_offset: int = 0
    events: int = 0
    size: int = 0
    deliveries: list[Delivery] = field(default_factory=list)

    def take(self, delivery: Delivery, polled: Polled, known: int, clock: int) -> None:
        """Take a poll in: events up to `known` are known, and up to `clock` none is in the future."""
        self.batch.pass_until(known)
        self.batch.add_records(polled.records, clock)
        self.next_offset = polled.next_offset
        self.events += len(polled.records)
        self.size += polled.size
        if polled.refused is not None:
            why = Rejection(polled.refused.reason, polled.refused.detail)
            self.batch.refuse(polled.refused, why, polled.refused.records)
        delivery.taken()
        self.deliveries.append(delivery)

    @property
    def weight(self) -> int:
        """How many events of common size it has taken."""
        return max(self.events, self.size // BYTES_AN_EVENT)

    @property
    def room(self) -> int:
        """How many events it counts as while it is not durable: at least a hundred."""
        return max(LEAST, self.weight)


class Tracked:
    """The rows of a partition, what is remembered of its items, and the batch that is open.

    `complete` says whether its rows are all here and folded; `end` is where the partition ended at the last look.
    `newest` has the newest event time by source, in microseconds.
    """

    def __init__(self, tp: TP, rows: Callable[[int], MutableMapping[bytes, bytes]]) -> None:
        self.tp = tp
        self._rows = rows
        self.due = Due()
        self.append_only: dict[bytes, AppendOnlyHistory] = {}
        self.full = FullItems()
        self.newest: dict[str, int] = {}
        self.open: OpenBatch | None = None
        self.complete = False
        self.end = 0

    @property
    def rows(self) -> MutableMapping[bytes, bytes]:
        """Give the rows, to read and to write: a change that Kafka does not take ends the process."""
        return self._rows(self.tp.partition)

    def apply(self, outcome: Outcome) -> None:
        """Put the rows of an outcome in."""
        rows = self.rows
        for key, value in outcome.rows.items():
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value

    def see(self, source: str, time: int) -> None:
        """Note an event time of a source."""
        self.newest[source] = max(time, self.newest.get(source, time))

    def newer_than(self, instant: int) -> list[bytes]:
        """Give the items that have an event after an instant (microseconds)."""
        return [key for key, row in self.rows.items() if read_newest(row) > instant]

    def folded_until(self, now: int) -> int:
        """Give the instant up to which all items are folded, `now` at most."""
        earliest = self.due.earliest
        return now if earliest is None else min(now, earliest - 1)
