"""A Faust transport with one message for each poll and topic.

Faust spends its time on tasks and bookkeeping for each message, so one message for each poll costs less. Its value has
a batch of raw records for each partition. Batches are small while the stream is live, and large while it catches up.
Recovery gets a message for each changelog partition, since Faust follows their offsets one by one.

Acknowledgement is ours too. Faust acknowledges an event in a `finally`, even if handling it failed. Here that moves no
offset. Only `Consumer.complete` does, which the worker calls once Kafka has acknowledged everything that came of the
batch.

Faust empties its queues when it resumes after a rebalance or a recovery, even of batches that it has just fetched. So
the consumer tracks what was delivered and what was processed, and reads lost batches again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, ClassVar, cast

from aiokafka.errors import KafkaError as ClientError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage, Message

from stream.faust_edge.client import ConsumerThread, own_tp
from stream.faust_edge.fetching import Fetch
from stream.kafka.places import TP
from stream.kafka.progress import Progress
from stream.kafka.read_results import Polled

NO_KEY_SIZE = NO_TIMESTAMP = 0
NOT_YET = 0.02
RECOVERY_POLL_WAITS = 0.05


Batches = list[tuple[TP, Polled]]
"""The value of a message: the batches of one topic that a poll brought, by partition."""


class BatchesMessage(ConsumerMessage):
    """A message whose value is batches. `taken` is true once the worker has applied them."""

    taken = False

    def take(self) -> None:
        """Keep the message until everything that came of it is durable, but free its records."""
        self.incref()
        self.taken, self.value = True, None


class Consumer(driver.Consumer):
    """Faust's consumer, with a message for each poll and topic, and with commits of completed batches only.

    `replayed` are topics without committed offsets. They are read from their beginning, and after a rebalance from
    where this worker has got to.
    """

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replayed: frozenset[str] = frozenset()
        self._progress: dict[TP, Progress] = {}
        # Whether the positions of this assignment are set.
        self._sought = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Message]]:
        """Yield a message for each topic, or changelog partition, whose records the poll brought."""
        records, active_now = await self._wait_next_records(timeout)
        active: Any = active_now
        buffered: Any = self._buffered_partitions
        if records is None or self.should_stop:
            return
        generation = self.app.consumer_generation_id
        for parts in self._by_topic(records):
            wanted = [(tp, batch) for tp, batch in parts if active is None or tp in active or tp in buffered]
            if not self.flow_active or self.app.consumer_generation_id != generation:
                # A rebalance has begun in the meantime.
                wanted = []
            await self._put_back([part for part in parts if part not in wanted])
            lost = await self._lost({tp: batch.begin for tp, batch in wanted})
            if lost:
                with suppress(ClientError):
                    await self.seek_wait({tp: self.progress(tp).delivered or 0 for tp in lost})
            batches = [(tp, self._deliver(tp, batch)) for tp, batch in wanted if tp not in lost]
            if batches:
                yield batches[0][0], self._message(batches)

    def _by_topic(self, records: Mapping[Any, Fetch]) -> Iterable[list[tuple[TP, Fetch]]]:
        """Group fetched records by topic; each changelog partition is a group of its own."""
        topics: dict[str, list[tuple[TP, Fetch]]] = {}
        for tp, batch in ((own_tp(tp), batch) for tp, batch in records.items() if batch):
            name = f"{tp.topic}/{tp.partition}" if self._is_changelog(tp) else tp.topic
            topics.setdefault(name, []).append((tp, batch))
        return topics.values()

    async def _put_back(self, parts: Sequence[tuple[TP, Fetch]]) -> None:
        """Return unused records to the client, since a recovery that has just begun may wait for them."""
        if parts:
            with suppress(ClientError):
                await self._thread.put_back({tp: (batch.begin, batch.next_offset) for tp, batch in parts})

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Fill no gap: Faust would keep an interval for each batch, for a commit of its own that never comes."""

    async def _wait_next_records(self, timeout: float) -> Any:
        """Wait for records. If no partition may be polled, as after a recovery, check again soon.

        Faust would sleep for a second, though partitions may be resumed and sought in it. A batch from before the seek
        has no known predecessor, and records of a cancelled poll would be lost.
        """
        recovering = all(map(self._is_changelog, self._get_active_partitions()))
        if self.flow_active and not self._may_poll(recovering=recovering):
            await asyncio.sleep(NOT_YET)
            return None, None
        # A poll that waits for changelogs only would hold up the streams once the recovery is over.
        return await super()._wait_next_records(min(timeout, RECOVERY_POLL_WAITS) if recovering else timeout)

    def _may_poll(self, *, recovering: bool) -> bool:
        return bool(self._get_active_partitions()) and (self._sought or recovering)

    async def _lost(self, begins: Mapping[TP, int]) -> set[TP]:
        """Return the partitions whose batch comes after a gap that the broker can still fill."""
        suspects = {tp: begin for tp, begin in begins.items() if not self._is_changelog(tp)}
        suspects = {tp: begin for tp, begin in suspects.items() if self.progress(tp).has_gap(begin, 0)}
        firsts = await self._firsts(suspects)
        return {tp for tp, begin in suspects.items() if self.progress(tp).has_gap(begin, firsts.get(tp, 0))}

    async def _firsts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return the first offset that each partition still has, or nothing if Kafka does not answer."""
        asked = list(partitions)
        with suppress(ClientError):
            return await self._thread.firsts(asked) if asked else {}
        return {}

    def _deliver(self, tp: TP, batch: Fetch) -> Polled:
        previous = self.progress(tp).deliver(batch.next_offset)
        return Polled(previous, list(batch), batch.next_offset, batch.size, batch.refused)

    @property
    def _assigned(self) -> Any:
        return self.assignment()

    def _is_changelog(self, tp: Any) -> bool:
        return self._is_changelog_tp(tp)

    def progress(self, tp: TP) -> Progress:
        """Return the progress of a partition, and start it if it is new."""
        found = self._progress.get(tp)
        if found is None:
            found = self._progress[tp] = Progress()
        return found

    def _message(self, batches: Batches) -> Message:
        place, polled = batches[0]
        tp, value = cast("Any", place), cast("Any", batches)
        return BatchesMessage(
            tp.topic,
            tp.partition,
            polled.next_offset - 1,
            NO_TIMESTAMP,
            NO_TIMESTAMP,
            [],
            None,
            value,
            None,
            NO_KEY_SIZE,
            len(polled.records),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def positions(self) -> dict[TP, int]:
        """Return the client's position in each partition, without changelogs."""
        return {tp: offset for tp, offset in self._thread.positions().items() if not self._is_changelog(tp)}

    def reached(self, tp: TP) -> int:
        """Return the next offset to process in a partition."""
        return self.progress(tp).reached

    def follows(self, tp: TP, polled: Polled) -> bool:
        """Return whether a batch leaves no record unprocessed; it may repeat some."""
        return self.progress(tp).follows(polled.previous)

    def processed(self, tp: TP, next_offset: int) -> None:
        """Note that everything before `next_offset` was processed."""
        self.progress(tp).process(next_offset)

    async def recover_missing(self) -> dict[TP, int]:
        """Read records again that were polled and never processed. Call this about every half second.

        Returns the first offset of partitions in which retention has removed such records.
        """
        unacked: Any = self._unacked_messages
        in_work = [message for message in unacked if not message.acked]
        # Taken batches are processed. Under load some always wait to be durable, so these do not count.
        untaken = any(not message.taken for message in in_work)
        idle = self.flow_active and not self.app.rebalancing and not untaken
        if not idle or any(not channel.queue.empty() for channel in self.app.topics):
            for progress in self._progress.values():
                progress.note_work()
            return {}
        still = [tp for tp, position in self.positions().items() if self.progress(tp).is_stuck(position)]
        firsts = await self._firsts(still)
        gone = {tp: first for tp, first in firsts.items() if first > self.reached(tp)}
        lost = {tp: self.reached(tp) for tp in firsts.keys() - gone.keys() if tp in self._assigned}
        if lost:
            self.log.info("Records were polled but not processed, and are read again from %r", lost)
            await self.seek_wait(lost)
        # The worker completes these, which is true only if everything before them is durable.
        return {} if in_work else gone

    def ack(self, message: Message) -> bool:
        """Note that a batch left the stream, handled or failed; this moves no offset."""
        message.acked = True
        self._unacked_messages.discard(message)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    async def read_again(self, tp: TP) -> None:
        """Read a partition again from the next offset to process, since a batch was lost.

        `recover_missing` would not notice this in a partition that gets events all the time. At most once a second,
        since other batches that do not follow may still be on their way.
        """
        progress = self.progress(tp)
        if tp in self._assigned and progress.may_read_again(monotonic()):
            with suppress(ClientError):
                await self.seek_wait({tp: progress.reached})

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before `next_offset` is durable, and may be committed with this metadata."""
        self.progress(tp).complete(next_offset, metadata)

    def see_committed(self, tp: TP, offset: int) -> None:
        """Note the offset that Kafka has, so an older commit that arrived last is replaced."""
        self.progress(tp).see_committed(offset)

    async def begin_at(self, tp: TP, offset: int) -> None:
        """Read a partition from `offset`, even if later records count as processed."""
        if self.reached(tp) != offset:
            self.progress(tp).begin(offset)
            await self.seek_wait({tp: offset})

    async def force_commit(
        self,
        topics: Any = None,
        start_new_transaction: bool = True,
    ) -> bool:
        """Commit what was completed since the last commit; return whether anything was committed."""
        # Faust collects acknowledged offsets for its own commits, which are never made.
        self._acked.clear()
        self._acked_index.clear()
        taken = {tp: progress.take_pending() for tp, progress in self._progress.items()}
        pending = {tp: one for tp, one in taken.items() if one is not None}
        if not pending:
            return False
        done = False
        try:
            done = await self._thread.commit_batches({tp: OffsetAndMetadata(*one) for tp, one in pending.items()})
        finally:
            if not done:
                # Some of these partitions may still be ours.
                for tp in pending.keys() & self._progress.keys():
                    self._progress[tp].give_back(pending[tp])
        return done

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek to the committed offsets, or in replayed topics to where this worker has got to.

        aiokafka seeks only if the committed offset is above 0. Records that Faust has polled and dropped would then be
        lost, so every partition is sought here.
        """
        committed = await super().seek_to_committed()
        positions = {
            tp: self.reached(tp) if tp.topic in self.replayed else offset or 0
            for tp, offset in ((own_tp(tp), offset) for tp, offset in committed.items())
            if not self._is_changelog(tp)
        }
        await self.seek_wait(positions)
        for tp, offset in positions.items():
            self.processed(tp, offset)
        self._sought = True
        return positions

    async def seek_wait(self, partitions: Mapping[Any, int]) -> None:
        """Note the new positions, and seek.

        In this order, since batches from the new position may be delivered before this call returns.
        """
        for tp, offset in partitions.items():
            self.progress(tp).seek(offset)
        await super().seek_wait(partitions)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust finish and commit the work in progress, then drop what is still pending."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked & self._progress.keys():
            self._progress[tp].take_pending()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget the progress of partitions that moved away."""
        self._sought = False
        self._progress = {tp: progress for tp, progress in self._progress.items() if tp in assigned}
        await super().on_partitions_assigned(assigned, generation_id)


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer: ClassVar[type[Consumer]] = Consumer
