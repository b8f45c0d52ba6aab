"""Writes rows in batches, and returns when Kafka has acknowledged them all.

aiokafka's batch API writes a batch of rows to a partition in one piece, some thirty times faster than Faust sends them.
Its futures are awaited here, which Faust does not do with its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as ClientError
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import RecordMetadata

from stream.errors import KafkaError
from stream.kafka.places import TP

MAX_BATCH_BYTES = 512 * 1024
MAX_REQUEST_BYTES = 18 * 1024 * 1024
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Row(NamedTuple):
    """A record to write; `timestamp` is in milliseconds, None for now."""

    key: bytes | None
    value: bytes | None
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class Written(NamedTuple):
    """Where rows were written in a partition: the offsets of the first and the last.

    If they went out in several batches, others may have written between these.
    """

    first: int
    last: int

    def holds(self, rows: int) -> bool:
        """Return whether the offsets hold exactly these rows, `rows` in number, in the order given."""
        return self.last - self.first + 1 == rows


class Scattered(Written):
    """Where rows were written if a batch was too large: in another order, or not all of them."""

    def holds(self, rows: int) -> bool:  # noqa: ARG002
        """Return False: the rows are not there as given."""
        return False


class _Sent(NamedTuple):
    future: asyncio.Future[RecordMetadata]
    rows: Sequence[Row]


class Outbox:
    """A producer of batches.

    Args:
        brokers: The addresses to connect to.
        deadline: The seconds after which a write without acknowledgement has failed.
        may_write: Called before each request. It must not return if this process must not write any more.
        idempotent: Whether a repeated request must not write its rows twice.
        compression: The codec, such as `zstd`, or None.
        compressed: Topics whose batches are compressed with zstd, whatever `compression` is.
        too_large: Called with each row that its topic refuses as too large. Without it, such a row is an error.
    """

    def __init__(  # noqa: PLR0913
        self,
        brokers: Sequence[str],
        deadline: float,
        may_write: Callable[[], None],
        *,
        idempotent: bool = False,
        compression: str | None = None,
        compressed: Collection[str] = (),
        too_large: Callable[[TP, Row], None] | None = None,
    ) -> None:
        self._idempotent = idempotent
        self._compression = compression
        self._compressed = frozenset(compressed)
        self._too_large = too_large
        self._may_write = may_write
        self._brokers = list(brokers)
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            acks="all",
            enable_idempotence=self._idempotent,
            compression_type=self._compression,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=int(self._deadline * 1000),
        )
        # Checked at each request: batches wait in the client, and the right to write may be lost meanwhile.
        self._producer.client.send = self._guarded(self._producer.client.send)
        try:
            await self._producer.start()
        except ClientError as error:
            raise KafkaError(f"Kafka at {', '.join(self._brokers)} cannot be reached: {error}") from None

    def _guarded(self, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(*arguments: Any, **options: Any) -> Any:
            self._may_write()
            return await send(*arguments, **options)

        return guarded

    async def stop(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await self._producer.stop()

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        """Write all rows, wait until they are acknowledged, and return where those of each partition are.

        Raises KafkaError if Kafka does not acknowledge one within the deadline, though it may have written some.
        """
        try:
            # An idempotent producer retries for ever.
            async with asyncio.timeout(self._deadline if self._idempotent else None):
                sent = [(tp, await self._submit(tp, part)) for tp, part in rows.items() if part]
                written = {tp: await self._acknowledged(tp, batches) for tp, batches in sent}
                return {tp: place for tp, place in written.items() if place is not None}
        except (ClientError, TimeoutError) as error:
            topics = ", ".join(sorted({tp.topic for tp in rows}))
            raise KafkaError(f"Kafka has not acknowledged what was written to {topics}: {error!r}") from None

    async def _submit(self, tp: TP, rows: Sequence[Row]) -> list[_Sent]:
        sent, begin = [], 0
        batch = self._new_batch(tp)
        for number, row in enumerate(rows):
            if not _append(batch, row):
                sent.append(await self._send(tp, batch, rows[begin:number]))
                begin, batch = number, self._new_batch(tp)
                _append(batch, row)
        sent.append(await self._send(tp, batch, rows[begin:]))
        return sent

    def _new_batch(self, tp: TP) -> BatchBuilder:
        if tp.topic in self._compressed:
            return BatchBuilder(MAX_BATCH_BYTES, DefaultRecordBatch.CODEC_ZSTD)
        return self._client.create_batch()

    async def _send(self, tp: TP, batch: BatchBuilder, rows: Sequence[Row]) -> _Sent:
        batch.close()
        return _Sent(await self._client.send_batch(batch, tp.topic, partition=tp.partition), rows)

    async def _acknowledged(self, tp: TP, sent: Sequence[_Sent]) -> Written | None:
        """Wait until all rows are acknowledged, and return where they are; None if none was written."""
        offsets: list[int] = []
        refused: list[Row] = []
        for future, rows in sent:
            try:
                first = (await future).offset
                offsets += [first, first + len(rows) - 1]
            except TOO_LARGE:
                refused += rows
        if not refused:
            return Written(offsets[0], offsets[-1])
        offsets += await self._one_by_one(tp, refused)
        return Scattered(min(offsets), max(offsets)) if offsets else None

    async def _one_by_one(self, tp: TP, rows: Sequence[Row]) -> list[int]:
        """Write the rows of refused batches one at a time, and return their offsets."""
        offsets = []
        for row in rows:
            batch = self._new_batch(tp)
            _append(batch, row)
            try:
                await self._restart_idempotent()
                offsets.append((await (await self._send(tp, batch, [row])).future).offset)
            except TOO_LARGE:
                if self._too_large is None:
                    raise
                self._too_large(tp, row)
        return offsets

    async def _restart_idempotent(self) -> None:
        # After a refused batch, Kafka refuses all later sequence numbers of an idempotent producer.
        if self._idempotent:
            await self.stop()
            await self.start()

    @property
    def _client(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise KafkaError("the outbox is not started")
        return self._producer


def _append(batch: BatchBuilder, row: Row) -> bool:
    metadata = batch.append(timestamp=row.timestamp, key=row.key, value=row.value, headers=list(row.headers))
    return metadata is not None
