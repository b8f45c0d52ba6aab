"""Feeds steps to a broker, each when it is due, and to the embedded broker no faster than the worker reads.

A partition of the embedded broker drops its oldest records above 5 MB, even if nobody has read them. So the volume of
records that the worker has not read is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as AiokafkaError

from stream.clock import wall_time
from stream.demo.event_journal import EventJournal, JournalRecord
from stream.demo.sources import Step
from stream.errors import KafkaError
from stream.events.event import SECOND

IN_FLIGHT_BYTES = 2_000_000
"""The bound for all partitions together, so that a single partition that gets everything has room."""

BATCH_BYTES = 200_000
LOOK_SECONDS = 0.05
STALL_SECONDS = 120.0


class RecordSink(Protocol):
    """Where a player's records go."""

    async def send(self, records: Sequence[JournalRecord]) -> None:
        """Send them. When this returns, the broker has acknowledged them. Raises KafkaError."""

    async def drain(self) -> None:
        """Wait until the worker has processed all records."""


class Feeder:
    """Sends records to the embedded broker's events topic, as fast as the worker processes them."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, processed: Callable[[], Awaitable[int]]) -> None:
        """`processed` returns how many of this feeder's records the worker has processed."""
        self._producer, self._topic, self._processed = producer, topic, processed
        self._sent = 0
        self._unprocessed: deque[tuple[int, int]] = deque()

    async def send(self, records: Sequence[JournalRecord]) -> None:
        """Wait for room, then send. When this returns, the broker has acknowledged the records.

        Raises KafkaError if the broker refuses, or if the worker processes nothing for two minutes.
        """
        size = sum(len(record.value) for record in records)
        await self._wait_until_at_most(IN_FLIGHT_BYTES - size)
        try:
            sent = [await self._producer.send(self._topic, key=key, value=value) for key, value in records]
            await asyncio.gather(*sent)
        except AiokafkaError as error:
            raise KafkaError(f"the embedded broker refuses an event ({error}): start the demo again") from error
        self._sent += len(records)
        self._unprocessed.append((self._sent, size))

    async def drain(self) -> None:
        """Wait until the worker has processed all records."""
        await self._wait_until_at_most(0)

    async def _wait_until_at_most(self, size: int) -> None:
        since = monotonic()
        while self._unprocessed and sum(batch for _, batch in self._unprocessed) > size:
            asked = monotonic()
            processed = await self._processed()
            if processed < self._unprocessed[0][0]:
                if monotonic() - since > STALL_SECONDS:
                    lag = f"{self._sent - processed:,} events are waiting"
                    raise KafkaError(f"the worker has stopped reading: {lag}. Start the demo again")
                # The answer costs a whole scrape. Asking again at once would slow the worker down.
                await asyncio.sleep(max(LOOK_SECONDS, 3 * (monotonic() - asked)))
                continue
            since = monotonic()
            while self._unprocessed and self._unprocessed[0][0] <= processed:
                self._unprocessed.popleft()


class Player:
    """Feeds steps, each when it is due, and writes them to the journal first."""

    def __init__(self, feed: RecordSink, journal: EventJournal, progress: Callable[[float], None]) -> None:
        """`progress` is called with the share of the history that is fed, 0 to 1."""
        self._feed, self._journal, self._progress = feed, journal, progress
        self._batch: list[Step] = []
        self._size = 0

    async def play(self, steps: Iterator[Step], caught_up: Callable[[], Awaitable[None]]) -> None:
        """Feed the steps. `caught_up` is awaited once, when the worker has processed the history.

        Raises KafkaError, and ServeError if the journal cannot be written.
        """
        live = False
        for step in steps:
            while (wait := _seconds_until(step.due)) > 0:
                await self._flush()
                if live:
                    await asyncio.sleep(wait)
                else:
                    live = True
                    await self._feed.drain()
                    await caught_up()
            self._batch.append(step)
            self._size += len(step.record.value)
            if self._size >= BATCH_BYTES:
                await self._flush()
        await self._flush()
        if not live:
            await self._feed.drain()
            await caught_up()

    async def _flush(self) -> None:
        if not self._batch:
            return
        self._journal.append([step.record for step in self._batch if not step.kept])
        await self._feed.send([step.record for step in self._batch])
        self._progress(self._batch[-1].done)
        self._batch.clear()
        self._size = 0


def _seconds_until(due: datetime | None) -> float:
    return 0.0 if due is None else due.timestamp() - wall_time() / SECOND
