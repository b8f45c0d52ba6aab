"""Reads ranges of offsets of a topic's partitions, without a group.

It reads committed records only, so those of an aborted transaction are left out.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError as ClientError

from stream.errors import KafkaError
from stream.kafka.topics import MIB

RECORDS_A_READ = 10_000
POLL_MS = 1_000
# Seconds. Enough to fetch the largest record over a slow line, or to elect a new leader.
SILENCE = 60.0


class OffsetRange(NamedTuple):
    """Offsets of a partition, from `first` up to but not including `end`."""

    partition: int
    first: int
    end: int


class Reader:
    """A consumer without a group; use it as an async context manager. Raises KafkaError."""

    def __init__(self, brokers: Sequence[str]) -> None:
        # aiokafka raises its errors too.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
        self._brokers = list(brokers)
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            client_id="flowgauge",
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=2 * MIB,
            # Short, since a fetch of other partitions waits for the end of the one before.
            fetch_max_wait_ms=50,
        )
        try:
            await self._consumer.start()
        except ClientError as error:
            raise KafkaError(f"Kafka at {', '.join(self._brokers)} cannot be reached: {error}") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def spans(self, topic: str, partitions: Iterable[int]) -> list[OffsetRange]:
        """Return the offsets of each partition that can be read now, up to the first open transaction."""
        places = [TopicPartition(topic, partition) for partition in partitions]
        try:
            first, end = await self._consumer.beginning_offsets(places), await self._consumer.end_offsets(places)
        except ClientError as error:
            raise KafkaError(f"topic {topic!r}: Kafka does not say where it ends: {error!r}") from None
        return [OffsetRange(place.partition, first[place], end[place]) for place in places]

    async def read(self, topic: str, spans: Iterable[OffsetRange]) -> AsyncGenerator[tuple[int, list[Any]], None]:
        """Yield partitions with their next records, up to `RECORDS_A_READ` at a time, until all spans are read."""
        left = {TopicPartition(topic, span.partition): span for span in spans if span.first < span.end}
        if not left:
            return
        self._consumer.assign(list(left))
        for place, span in left.items():
            self._consumer.seek(place, span.first)
        heard = monotonic()
        while left:
            try:
                found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_A_READ)
            except ClientError as error:
                raise KafkaError(f"topic {topic!r} cannot be read: {error!r}") from None
            for place, records in found.items():
                wanted = [record for record in records if record.offset < left[place].end]
                if wanted:
                    yield place.partition, wanted
            # Aborted transactions move the position too, without any record.
            moved = await self._moved(left)
            if found or moved:
                heard = monotonic()
            elif monotonic() - heard > SILENCE:
                where = ", ".join(f"[{span.partition}] at {span.first:,}" for span in left.values())
                raise KafkaError(f"topic {topic!r}: Kafka stopped answering before the end of {where}")

    async def _moved(self, left: dict[Any, OffsetRange]) -> bool:
        """Note how far each partition is read, and stop reading those at their end. Return whether any has moved."""
        any_moved = False
        for place, span in list(left.items()):
            position = await self._consumer.position(place)
            any_moved |= position > span.first
            left[place] = span._replace(first=position)
            if position >= span.end:
                self._consumer.pause(place)
                del left[place]
        return any_moved
