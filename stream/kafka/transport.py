"""A Faust transport whose message is a batch: all records that one poll brought of one partition.

Faust spends its time on tasks and bookkeeping for each message; with a message a batch that time is spent once
a poll. The value of a message is the list of raw records, its offset the last one's. Batches are small when the stream
is live and large when it catches up: a batch is what a poll returned.

Acknowledgement is ours as well: Faust acknowledges an event in a `finally`, also when its handling failed. Here that moves
nothing. Only `Consumer.complete` does, which the agent calls once Kafka has acknowledged all that came of the batch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message

NO_KEY_SIZE = 0


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, which commits our metadata beside the offset."""

    async def commit_batches(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        """Commit; False where a rebalance has taken the partitions, which then come again."""
        return bool(await self.call_thread(self._commit_batches, offsets))

    async def _commit_batches(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        assigned = self.assignment()
        kept = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in assigned}
        try:
            if kept:
                await self._ensure_consumer().commit(kept)
        except (CommitFailedError, IllegalStateError):
            return False
        return True


class Consumer(driver.Consumer):
    """Faust's consumer with a message a batch, and with commits of completed batches only.

    `replayed` are topics without committed offsets: they are read from their beginning, and after a rebalance
    from where `positions` says that this worker has processed them.
    """

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.replayed: frozenset[str] = frozenset()
        self.positions: dict[TP, int] = {}
        self._completed: dict[TP, OffsetAndMetadata] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield one message for each partition that the poll brought records of."""
        records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        generation = self.app.consumer_generation_id
        for topic_partition, batch in records.items():
            tp = ensure_TP(topic_partition)
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if batch and (active is None or tp in active or tp in self._buffered_partitions):
                yield tp, self._batch(tp, batch)

    def _batch(self, tp: TP, batch: Any) -> Message:  # noqa: ANN401
        last = batch[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            [],
            None,
            list(batch),
            None,
            NO_KEY_SIZE,
            len(batch),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def ack(self, message: Message) -> bool:
        """Note that a batch left the stream, however that went; it moves no offset."""
        message.acked = True
        self._unacked_messages.discard(message)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before `next_offset` is folded and durable, so that it may be committed."""
        self._completed[tp] = OffsetAndMetadata(next_offset, metadata)

    async def force_commit(
        self,
        topics: Any = None,  # noqa: ANN401, ARG002
        start_new_transaction: bool = True,  # noqa: ARG002, FBT001, FBT002
    ) -> bool:
        """Commit what was completed since the last commit."""
        pending, self._completed = self._completed, {}
        if not pending:
            return False
        done = await self._thread.commit_batches(pending)
        if not done:
            # Some of it may still be ours: what is completed later has the say.
            self._completed = {**pending, **self._completed}
        return done

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and in replayed topics to where this worker has got to."""
        committed = {ensure_TP(tp): offset for tp, offset in (await super().seek_to_committed()).items()}
        replayed = {tp: self.positions.get(tp, 0) for tp in self.assignment() if tp.topic in self.replayed}
        if replayed:
            await self.seek_wait(replayed)
        return {**committed, **replayed}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust finish and commit what is in work, then forget what was not committed."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._completed.pop(tp, None)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: batches are completed in order, so gaps in offsets need no bookkeeping."""


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer (entry point group `faust.transports`, scheme `flowgauge://`)."""

    Consumer: ClassVar[type[Consumer]] = Consumer
