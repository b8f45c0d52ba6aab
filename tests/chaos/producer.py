"""Sends the events of a chaos run in every way a producer may, and notes what Kafka has acknowledged.

Its connection is a direct one. What is not acknowledged is sent again until it is, so that nothing stays in doubt but
for a time: a doubled event changes no number. What an aborted transaction held is noted nowhere, since it never counts.
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
# Shares of what a turn is: a committed transaction, an aborted one, another partitioner. The rest is plain.
COMMITTED, ABORTED, MISPLACED = 0.08, 0.08, 0.08
RETRY_SECONDS = 0.5
# The broker itself aborts a transaction whose producer says no more; until then nobody reads what stands behind it.
TRANSACTION_MS = 3_000
PATIENCE = 20.0


class Producer(Background):
    """Produces while it is entered, and leaves once Kafka has acknowledged everything."""

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
        """Send events, and at the end wait until Kafka has all of them."""
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
        # The partitioner of librdkafka, in place of the client's own, which is that of Java.
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
        """Send in a transaction; where it is not known whether it was committed, send again without one."""
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
        """Return whether the transaction has ended as was wanted."""
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
