"""Feeding steps to a broker, each when it is due; the embedded one no faster than it is read.

A partition of the embedded broker that holds 5 MB drops its oldest records, read or not; so only so much may be
under way.
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
"""What may be under way in all partitions together, so that one that gets it all has room."""

BATCH_BYTES = 200_000
LOOK_SECONDS = 0.05
STALL_SECONDS = 120.0


class RecordSink(Protocol):
    """Where a player's records go."""

    async def send(self, records: Sequence[JournalRecord]) -> None:
        """Send them; the broker has them when this returns. Raises KafkaError."""

    async def drain(self) -> None:
        """Wait until all is taken in."""


class Feeder:
    """Sends records to the embedded broker's events topic, as fast as `taken` says that they are taken in."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, taken: Callable[[], Awaitable[int]]) -> None:
        """`taken` gives the number of records of this feed that the worker has taken in."""
        self._producer, self._topic, self._taken = producer, topic, taken
        self._sent = 0
        self._under_way: deque[tuple[int, int]] = deque()

    async def send(self, records: Sequence[JournalRecord]) -> None:
        """Wait for room, then send; the broker has them when this returns.

        Raises KafkaError if the broker refuses, or if nothing is taken in for two minutes.
        """
        size = sum(len(record.value) for record in records)
        await self._wait_until_at_most(IN_FLIGHT_BYTES - size)
        try:
            sent = [await self._producer.send(self._topic, key=key, value=value) for key, value in records]
            await asyncio.gather(*sent)
        except AiokafkaError as error:
            raise KafkaError(f"the embedded broker refuses an event ({error}): start the demo again") from error
        self._sent += len(records)
        self._under_way.append((self._sent, size))

    async def drain(self) -> None:
        """Wait until all is taken in."""
        await self._wait_until_at_most(0)

    async def _wait_until_at_most(self, size: int) -> None:
        since = monotonic()
        while self._under_way and sum(batch for _, batch in self._under_way) > size:
            asked = monotonic()
            taken = await self._taken()
            if taken < self._under_way[0][0]:
                if monotonic() - since > STALL_SECONDS:
                    lag = f"{self._sent - taken:,} events wait, none is taken in"
                    raise KafkaError(f"the worker has stopped reading: {lag}. Start the demo again")
                # The answer is a whole scrape; asking at once again would hold up what is waited for.
                await asyncio.sleep(max(LOOK_SECONDS, 3 * (monotonic() - asked)))
                continue
            since = monotonic()
            while self._under_way and self._under_way[0][0] <= taken:
                self._under_way.popleft()


class Player:
    """Feeds steps, each when it is due, and notes them in the journal first."""

    def __init__(self, feed: RecordSink, journal: EventJournal, progress: Callable[[float], None]) -> None:
        """`progress` is told how much of the history is fed, 0 to 1."""
        self._feed, self._journal, self._progress = feed, journal, progress
        self._batch: list[Step] = []
        self._size = 0

    async def play(self, steps: Iterator[Step], caught_up: Callable[[], Awaitable[None]]) -> None:
        """Feed the steps. `caught_up` is awaited once, when all that is past is taken in.

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
