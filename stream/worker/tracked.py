"""One partition of `flow.events` that this worker tracks. The object lives as long as the assignment."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from stream.events.rejection import Rejection
from stream.items.full import FullItems
from stream.items.outcome import Outcome
from stream.items.row import read_newest
from stream.items.tracker import Batch
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker.clients import Delivery
from stream.worker.due import Due

# If fewer events than this remain in a partition, the next poll may bring its last one, so its batch is closed at once.
FAR = 20_000
# Events. With 80,000 at a time about 5 events share one row, with half as many about 4.5.
MAX_GATHERED = 80_000
# Large events count as several, so at most 64 MiB wait to be durable.
BYTES_AN_EVENT = 64 * 1024 * 1024 // MAX_GATHERED
# Events. A smaller batch counts as this many.
LEAST = 100


@dataclass
class OpenBatch:
    """Polls that are folded as one batch: all events of an item in them make one row and one summary."""

    batch: Batch
    next_offset: int = 0
    events: int = 0
    size: int = 0
    deliveries: list[Delivery] = field(default_factory=list)

    def add(self, delivery: Delivery, polled: Polled, known: int, clock: int) -> None:
        """Add a poll. Events up to `known` are folded; events up to `clock` are not in the future."""
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
        """How many events of common size it has."""
        return max(self.events, self.size // BYTES_AN_EVENT)

    @property
    def room(self) -> int:
        """How many events it counts as until it is durable."""
        return max(LEAST, self.weight)


class Tracked:
    """The rows of a partition, its full items and those that come due, and its open batch.

    `complete` says whether all its rows are here and folded. `end` is where the partition ended at the last look.
    `newest` has the newest event time by source, in microseconds.
    """

    def __init__(self, tp: TP, rows: Callable[[int], MutableMapping[bytes, bytes]]) -> None:
        self.tp = tp
        self._rows = rows
        self.due = Due()
        self.full = FullItems()
        self.newest: dict[str, int] = {}
        self.open: OpenBatch | None = None
        self.complete = False
        self.end = 0

    @property
    def rows(self) -> MutableMapping[bytes, bytes]:
        """The rows, to read and to write. If Kafka does not acknowledge a change, the process ends."""
        return self._rows(self.tp.partition)

    def apply(self, outcome: Outcome) -> None:
        """Write the rows of an outcome."""
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
