"""What a worker asks of those who read Kafka for it. Faust's consumer is one; tests have others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stream.kafka.generations import Described
from stream.kafka.offsets import Offsets
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.reads import Latest, Polled
from stream.settings import Settings
from stream.worker.freeze_guard import FreezeGuard

ReadLatest = Callable[[Sequence[str], Mapping[TP, int]], Awaitable[dict[TP, Latest]]]
"""Reads partitions of brokers from an offset to their present end. Raises KafkaError if Kafka does not answer."""


class Delivery(Protocol):
    """A batch on its way through the worker, as whoever delivered it follows it."""

    def taken(self) -> None:
        """Note that its records were taken in; they are kept until all of them is durable."""

    def done(self) -> None:
        """Note that all that comes of it is durable."""


class Streams(Protocol):
    """The partitions that this worker reads, and how far each has got."""

    def reached(self, tp: TP) -> int:
        """Give the offset behind what was processed."""

    def follows(self, tp: TP, polled: Polled) -> bool:
        """Tell whether a batch follows what was processed."""

    def processed(self, tp: TP, next_offset: int) -> None:
        """Note that everything before an offset was processed."""

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before an offset is durable, to be committed with this text."""

    def see_committed(self, tp: TP, offset: int) -> None:
        """Note what Kafka has committed; what was completed behind it and committed before is committed again."""

    async def read_again(self, tp: TP) -> None:
        """Read a partition again from where it was processed."""

    async def begin_at(self, tp: TP, offset: int) -> None:
        """Read a partition from an offset on, whatever was processed of it."""

    async def force_commit(self) -> bool:
        """Commit what was completed; False where a rebalance has taken the partitions, or nothing was completed."""

    async def recover_missing(self) -> dict[TP, int]:
        """Read again what was lost on the way; give the partitions whose offsets up to one are gone for good."""


class Writes(Protocol):
    """A producer."""

    async def start(self) -> None:
        """Connect. Raises KafkaError."""

    async def stop(self) -> None:
        """Close the connection."""

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        """Write all rows, and return once Kafka has acknowledged them. Raises KafkaError."""


class RowStore(Protocol):
    """The rows of the partitions that this worker tracks."""

    def rows(self, partition: int) -> MutableMapping[bytes, bytes]:
        """Give the rows of a partition, to read and to write."""

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note up to which offset of the changelog the rows are known."""

    def compress(self) -> Iterator[None]:
        """Compress rows that were left alone, one by one, for the caller to pause."""


@dataclass
class Clients:
    """All that a worker needs of the outside.

    `client_id` is the name by which the group lists this worker. `declare` makes missing topics and raises KafkaError
    where one is not as it must be; `describe` gives topics as Kafka has them. Both are called in a thread.
    """

    client_id: str
    freeze_guard: FreezeGuard
    streams: Streams
    rows: RowStore
    outbox: Writes
    feed_outbox: Writes
    offsets: Offsets
    read_latest: ReadLatest
    declare: Callable[[Settings], object]
    describe: Callable[[Settings, list[str]], Mapping[str, Described | None]]
