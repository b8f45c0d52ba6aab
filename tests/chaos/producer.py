"""Sends the events of a chaos run in every way a producer may, and notes which of them Kafka has acknowledged.

Its connection is direct. Events that are not acknowledged are sent again until they are, so none stays in doubt. A
duplicate changes no number. Events of an aborted transaction are not noted, since they never count.
"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.background import Background
from tests.chaos.journal import Journal
from tests.chaos.ledger import Ledger
from tests.chaos.lives import Change, Lives

EVERY = 0.25
AT_ONCE = 8
DUPLICATED = 0.1
# Shares of the turns with a committed transaction, an aborted one, another partitioner. The other turns are plain.
COMMITTED, ABORTED, MISPLACED = 0.08, 0.08, 0.08
RETRY_SECONDS = 0.5
# The broker aborts a transaction whose producer has stopped. Until then nobody can read past it.
TRANSACTION_MS = 3_000
PATIENCE = 20.0


class Producer(Background):
    """Produces while it is entered, and exits once Kafka has acknowledged everything."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        partitions: int,
        ledger: Ledger,
        journal: Journal,
        chance: random.Random,
    ) -> None:
        super().__init__("the producer", journal)
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._ledger = ledger
        self._chance = chance
        self._lives = Lives(chance)
        self._sent: list[Change] = []
        self._transaction = asyncio.Lock()

    def work(self) -> None:
        """Send events, and at the end wait until Kafka has acknowledged all of them."""
        asyncio.run(self._produce())

    async def _produce(self) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", request_timeout_ms=10_000)
        await self._producer.start()
        under_way: set[asyncio.Task[None]] = set()
        while not self.closing.is_set():
            turn = asyncio.create_task(self._turn())
            under_way.add(turn)
            turn.add_done_callback(under_way.discard)
            await asyncio.sleep(EVERY)
        await asyncio.gather(*under_way)
        await self._producer.stop()

    async def _turn(self) -> None:
        kind = self._chance.random()
        changes = [self._draw() for _ in range(self._chance.randint(1, AT_ONCE))]
        if kind < ABORTED:
            await self._abort([self._lives.unmade(), self._lives.unmade()])
        elif kind < ABORTED + COMMITTED and not self._transaction.locked():
            await self._commit(changes)
            return
        await self._deliver(changes, misplaced=kind > 1 - MISPLACED)

    def _draw(self) -> Change:
        if self._sent and self._chance.random() < DUPLICATED:
            return self._chance.choice(self._sent)
        change = self._lives.draw()
        self._sent.append(change)
        return change

    async def _deliver(self, changes: Sequence[Change], *, misplaced: bool = False) -> None:
        self._note_sent(changes)
        await asyncio.gather(*(self._until_acknowledged(change, misplaced=misplaced) for change in changes))

    async def _until_acknowledged(self, change: Change, *, misplaced: bool) -> None:
        # The partitioner of librdkafka, instead of the client's own, which is Java's.
        partition = zlib.crc32(change.key) % self._partitions if misplaced else None
        while True:
            try:
                await self._producer.send_and_wait(self._topic, change.value, change.key, partition)
            except KafkaError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._ledger.acknowledge(change, time.monotonic())
                return

    async def _commit(self, changes: Sequence[Change]) -> None:
        """Send in a transaction. If it is unknown whether it was committed, send again without one."""
        self._note_sent(changes)
        if await self._in_transaction(changes, commit=True):
            for change in changes:
                self._ledger.acknowledge(change, time.monotonic())
        else:
            await self._deliver(changes)

    async def _abort(self, changes: Sequence[Change]) -> None:
        if not self._transaction.locked():
            await self._in_transaction(changes, commit=False)

    async def _in_transaction(self, changes: Sequence[Change], *, commit: bool) -> bool:
        """Return whether the transaction has ended as intended."""
        async with self._transaction:
            producer: Any = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                transactional_id=f"{self._topic}-producer",
                transaction_timeout_ms=TRANSACTION_MS,
                request_timeout_ms=5_000,
            )
            try:
                await asyncio.wait_for(self._transact(producer, changes, commit=commit), PATIENCE)
            except (KafkaError, TimeoutError):
                return False
            finally:
                with suppress(KafkaError, TimeoutError):
                    await asyncio.wait_for(producer.stop(), PATIENCE)
        return True

    async def _transact(self, producer: Any, changes: Sequence[Change], *, commit: bool) -> None:
        await producer.start()
        await producer.begin_transaction()
        for change in changes:
            await producer.send_and_wait(self._topic, change.value, change.key)
        if commit:
            await producer.commit_transaction()
        else:
            await producer.abort_transaction()

    def _note_sent(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._ledger.send(change, time.monotonic())
