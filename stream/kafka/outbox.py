"""Writes in batches, and says when Kafka has acknowledged them all.

aiokafka's batch API writes a batch of rows to a partition in one piece, some thirty times faster than Faust's
sends, and its futures are awaited here: Faust's own are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as ClientError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from stream.errors import KafkaError
from stream.kafka.places import TP

MAX_BATCH_BYTES = 512 * 1024
MAX_REQUEST_BYTES = 18 * 1024 * 1024


class Row(NamedTuple):
    """One record to write; `timestamp` in milliseconds, None for the present."""

    key: bytes | None
    value: bytes | None
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class Written(NamedTuple):
    """Where rows stand in a partition: the offset of the first, and of the last.

    Rows that went out in several batches may have rows of others between them.
    """

    first: int
    last: int


class Outbox:
    """A producer for batches.

    `deadline` is after how many seconds a write that is not acknowledged has failed; `may_write` is called before each
    request goes out, and does not return where this process must not write any more. `idempotent` is for rows that must
    not stand there twice when a request is repeated. `compression` is the codec, such as `zstd`; None is for none.
    """

    def __init__(
        self,
        brokers: Sequence[str],
        deadline: float,
        may_write: Callable[[], None],
        *,
        idempotent: bool = False,
        compression: str | None = None,
    ) -> None:
        self._idempotent = idempotent
        self._compression = compression
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
        # At the wire, since batches wait for one another in the client: what was allowed when it was handed over may
        # not be any more when its turn comes.
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
        """Write all rows; once all are acknowledged, give where those of each partition stand.

        Raises KafkaError if any was not acknowledged within the deadline; some may then be written nevertheless.
        """
        try:
            # An idempotent client never gives a batch up.
            async with asyncio.timeout(self._deadline if self._idempotent else None):
                written = [(tp, await self._submit(tp, part)) for tp, part in rows.items() if part]
                return {tp: await self._acknowledged(futures) for tp, futures in written}
        except (ClientError, TimeoutError) as error:
            topics = ", ".join(sorted({tp.topic for tp in rows}))
            raise KafkaError(f"Kafka has not acknowledged what was written to {topics}: {error!r}") from None

    async def _submit(self, tp: TP, rows: Sequence[Row]) -> list[tuple[asyncio.Future[RecordMetadata], int]]:
        submitted = []
        batch = self._client.create_batch()
        for row in rows:
            if not _append(batch, row):
                submitted.append(await self._send(tp, batch))
                batch = self._client.create_batch()
                _append(batch, row)
        submitted.append(await self._send(tp, batch))
        return submitted

    async def _send(self, tp: TP, batch: BatchBuilder) -> tuple[asyncio.Future[RecordMetadata], int]:
        batch.close()
        return await self._client.send_batch(batch, tp.topic, partition=tp.partition), batch.record_count()

    async def _acknowledged(self, sent: list[tuple[asyncio.Future[RecordMetadata], int]]) -> Written:
        offsets = [(await future).offset for future, _ in sent]
        return Written(offsets[0], offsets[-1] + sent[-1][1] - 1)

    @property
    def _client(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise KafkaError("the outbox is not started")
        return self._producer


def _append(batch: BatchBuilder, row: Row) -> bool:
    metadata = batch.append(timestamp=row.timestamp, key=row.key, value=row.value, headers=list(row.headers))
    return metadata is not None
