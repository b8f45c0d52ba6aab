"""What is read while a backlog waits is gathered: of an item's many events come one row and one summary.

An event behind which many others wait is late anyhow, so its batch is closed together with those that follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from stream.events.rejection import Rejection
from stream.items.tracker import Batch
from stream.kafka.reads import Polled
from stream.worker.clients import Delivery

# Of so many events of a partition still to come, the next poll does not bring the last.
FAR = 20_000
# With so many at a time some five events come to one row, with half as many some four and a half.
MAX_GATHERED = 80_000
# Large events count as several, so that no more than 64 MiB are held until they are durable.
BYTES_AN_EVENT = 64 * 1024 * 1024 // MAX_GATHERED
# Events. A batch takes its room however few they are.
LEAST = 100
# Seconds, for a broker that gives little at a time.
PATIENCE = 2.0


@dataclass
class Gathered:
    """Batches of a partition that are closed as one: the offset behind them, and their deliveries."""

    batch: Batch
    behind: int = 0
    events: int = 0
    size: int = 0
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """How many events of common size it has taken."""
        return max(self.events, self.size // BYTES_AN_EVENT)

    @property
    def room(self) -> int:
        """How many events it counts as while it is not durable: at least a hundred."""
        return max(LEAST, self.weight)


class Gathering:
    """The open batches by partition; `begin` opens one."""

    def __init__(self, begin: Callable[[int], Batch]) -> None:
        self._begin = begin
        self._open: dict[int, Gathered] = {}
        self._since = 0.0

    def __bool__(self) -> bool:
        """Whether anything is open."""
        return bool(self._open)

    def take(self, partition: int, delivery: Delivery, polled: Polled, known: int, clock: int) -> None:
        """Take a batch in: events up to `known` are known, and up to `clock` none is in the future."""
        if not self._open:
            self._since = monotonic()
        gathered = self._open.get(partition)
        if gathered is None:
            gathered = self._open[partition] = Gathered(self._begin(partition))
        gathered.batch.pass_until(known)
        gathered.batch.take_records(polled.records, clock)
        gathered.behind = polled.behind
        gathered.events += len(polled.records)
        gathered.size += polled.size
        if polled.refused is not None:
            why = Rejection(polled.refused.reason, polled.refused.detail)
            gathered.batch.refuse(polled.refused, why, polled.refused.records)
        delivery.taken()
        gathered.deliveries.append(delivery)

    @property
    def weight(self) -> int:
        """How many events of common size the open batches have taken together."""
        return sum(gathered.weight for gathered in self._open.values())

    @property
    def is_due(self) -> bool:
        """Whether what is open has waited long enough, however little it is."""
        return bool(self._open) and monotonic() - self._since > PATIENCE

    def pop(self) -> tuple[int, Gathered]:
        """Give what was gathered of a partition, to be closed."""
        return self._open.popitem()
