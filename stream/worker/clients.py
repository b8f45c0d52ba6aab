"""The clients that a worker needs, as protocols. Faust's consumer is behind one of them; tests have others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stream.kafka.generations import Described
from stream.kafka.offsets import Offsets
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.read_results import Latest, Polled
from stream.settings import Settings
from stream.worker.freeze_guard import FreezeGuard

ReadLatest = Callable[[Sequence[str], Mapping[TP, int]], Awaitable[dict[TP, Latest]]]
"""Reads partitions from an offset to their end. Raises KafkaError if Kafka does not answer."""


class Delivery(Protocol):
    """A batch of records that was delivered to the worker."""

    def taken(self) -> None:
        """Note that its records were taken in."""

    def done(self) -> None:
        """Note that everything that came of it is durable."""


class Streams(Protocol):
    """The partitions that this worker reads, and the offsets that each has reached. All offsets are next offsets."""

    def reached(self, tp: TP) -> int:
        """Give the offset up to which records were processed."""

    def follows(self, tp: TP, polled: Polled) -> bool:
        """Return whether a batch follows what was processed, so that nothing is missing between."""

    def processed(self, tp: TP, next_offset: int) -> None:
        """Note that everything before an offset was processed."""

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before an offset is durable. It will be committed with this metadata."""

    def see_committed(self, tp: TP, offset: int) -> None:
        """Note what Kafka has committed. If more was committed before, it will be committed again."""

    async def read_again(self, tp: TP) -> None:
        """Read a partition again from where it was processed."""

    async def begin_at(self, tp: TP, offset: int) -> None:
        """Read a partition from an offset, whatever was processed before."""

    async def force_commit(self) -> bool:
        """Commit what was completed. Return False if nothing was, or if a rebalance has taken the partitions."""

    async def recover_missing(self) -> dict[TP, int]:
        """Read again what was polled and never processed.

        Return the partitions in which Kafka has deleted such records, with the first offset that each still has.
        """


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
        """Note the offset of the changelog up to which the rows are known."""

    def compress(self) -> Iterator[None]:
        """Compress rows that were not used lately. It yields after each, so that the caller can pause."""


@dataclass
class Clients:
    """Everything outside that a worker needs.

    `client_id` is the name under which the group lists this worker. `declare` creates missing topics, and raises
    KafkaError if one has other settings. `describe` gives topics as Kafka has them. Both are called in a thread.
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
