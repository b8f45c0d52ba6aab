"""Feeds events into Kafka: as records, in disorder, or at a steady pace while a test does something else."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.topics import Record
from tests.oracle.rules import Json

CHUNK = 25
JOIN_SECONDS = 120


def records(events: Iterable[Json]) -> list[Record]:
    """Write events as the contract's structured CloudEvents, keyed by item."""
    return [Record(event["data"]["item"].encode(), json.dumps(event).encode()) for event in events]


def in_disorder(events: Sequence[Json], seed: int) -> list[Json]:
    """Duplicate one event in five and shuffle them all."""
    chance = random.Random(seed)
    many = [*events, *chance.sample(events, len(events) // 5)]
    chance.shuffle(many)
    return many


def portions(many: Sequence[Record], count: int) -> list[Sequence[Record]]:
    """Cut records into `count` portions of about the same size."""
    size = -(-len(many) // count)
    return [many[first : first + size] for first in range(0, len(many), size)]


class Feed:
    """Writes records at a steady pace in a thread. As a context manager it ends when all are written."""

    def __init__(self, broker: Broker, topic: str, many: Sequence[Record], per_second: int = 1000) -> None:
        self._broker = broker
        self._topic = topic
        self._records = many
        self._pause = CHUNK / per_second
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feed")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(JOIN_SECONDS)
        if error is None:
            assert not self._thread.is_alive(), "the feed did not come to its end"
            if self._error is not None:
                raise self._error

    @property
    def running(self) -> bool:
        """Whether some records are not written yet."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(asyncio.wait_for(self._write(), JOIN_SECONDS))
        except BaseException as error:
            self._error = error

    async def _write(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._broker.bootstrap, acks="all")
        await producer.start()
        try:
            for first in range(0, len(self._records), CHUNK):
                chunk = self._records[first : first + CHUNK]
                sent = [await producer.send(self._topic, value=one.value, key=one.key) for one in chunk]
                await asyncio.gather(*sent)
                await asyncio.sleep(self._pause)
        finally:
            await producer.stop()
