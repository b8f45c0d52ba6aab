"""A Faust transport whose message is a poll: all records that it brought of a topic, by partition.

Faust spends its time on tasks and bookkeeping for each message; so that time is spent once a poll. The value of a
message has a batch of raw records for each partition. Batches are small when the stream is live and large when it
catches up: a batch is what a poll returned. What recovery reads comes in messages of one batch, since Faust follows
the offsets of each changelog partition by itself.

Acknowledgement is ours as well: Faust acknowledges an event in a `finally`, also when its handling failed.
Here that moves nothing. Only `Consumer.complete` does, which the agent calls once Kafka has acknowledged all
that came of the batch.

Faust empties its queues when it resumes after a rebalance or a recovery, also of batches that were fetched a
moment before. So the consumer keeps apart what it has delivered and what was processed, and reads again where
a batch is missing in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
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
from stream.kafka.reads import Polled

NO_KEY_SIZE = NO_TIMESTAMP = 0
NOT_YET = 0.02
POLL_WAITS = 1.0


Batches = list[tuple[TP, Polled]]
"""The value of a message of a stream: the batches of one topic that a poll brought."""


class BatchesMessage(ConsumerMessage):
    """A message whose value is batches. `taken` says whether the worker has taken them in."""

    taken = False

    def take(self) -> None:
        """Keep the message until all that comes of it is durable, and let go of its records."""
        self.incref()
        self.taken, self.value = True, None


class Consumer(driver.Consumer):
    """Faust's consumer with a message a batch, and with commits of completed batches only.

    `replayed` are topics without committed offsets: they are read from their beginning, and after a rebalance
    from where this worker has processed them.
    """

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replayed: frozenset[str] = frozenset()
        self._progress: dict[TP, Progress] = {}
        # What waits for each event that ends the handing over of a message.
        self._ends: dict[Any, asyncio.Future[Any]] = {}
        # Whether the partitions of this assignment were sought where they are to be read from.
        self._sought = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Message]]:
        """Yield a message for each topic, and for each changelog partition, that the poll brought records of."""
        records, active_now = await self._wait_next_records(timeout)
        active: Any = active_now
        buffered: Any = self._buffered_partitions
        if records is None or self.should_stop:
            return
        generation = self.app.consumer_generation_id
        for parts in self._by_topic(records):
            wanted = [(tp, batch) for tp, batch in parts if active is None or tp in active or tp in buffered]
            if not self.flow_active or self.app.consumer_generation_id != generation:
                # A rebalance has begun meanwhile.
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
        """Group what was fetched by topic; each partition of a changelog is a group of its own."""
        topics: dict[str, list[tuple[TP, Fetch]]] = {}
        for tp, batch in ((own_tp(tp), batch) for tp, batch in records.items() if batch):
            name = f"{tp.topic}/{tp.partition}" if self._is_changelog(tp) else tp.topic
            topics.setdefault(name, []).append((tp, batch))
        return topics.values()

    async def _put_back(self, parts: Sequence[tuple[TP, Fetch]]) -> None:
        """Leave to the client what is not taken: a recovery that has just begun may wait for it."""
        if parts:
            with suppress(ClientError):
                await self._thread.put_back({tp: (batch.begin, batch.next_offset) for tp, batch in parts})

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand over what is polled until Faust's fetcher stops, with one task for each message where Faust has five."""
        read_offsets: Any = self._read_offset
        over: Any = (*self.consumer_stopped_errors, asyncio.CancelledError)
        try:
            while not (self.should_stop or fetcher.should_stop):
                # A poll may have nothing to wait for.
                await asyncio.sleep(0)
                async for tp, message in self.getmany(timeout=POLL_WAITS):
                    read = read_offsets[tp]
                    if read is None or message.offset >= read:
                        await self._hand_over(message)
                        read_offsets[tp] = message.offset
        except over:
            if not self.transport.app.should_stop:
                raise
        finally:
            for end in self._ends.values():
                end.cancel()

    async def _hand_over(self, message: Message) -> None:
        """Give a message to its stream, unless a rebalance or the end comes first: a stream may be full."""
        events: list[Any] = [self.suspend_flow, self._stopped, self._crashed]
        handing = asyncio.ensure_future(self.callback(message))
        try:
            while True:
                for event in events:
                    if event not in self._ends or self._ends[event].done():
                        self._ends[event] = asyncio.ensure_future(event.wait())
                await asyncio.wait({handing, *self._ends.values()}, return_when=asyncio.FIRST_COMPLETED)
                if handing.done():
                    handing.result()
                    return
                # One that was set and cleared again before anybody looked is over.
                if any(event.is_set() for event in events):
                    return
        finally:
            handing.cancel()

    async def _wait_next_records(self, timeout: float) -> Any:
        """Wait for records; where there is nothing to ask for, as after a recovery, look again before long.

        Faust would sleep for a second, though partitions are resumed meanwhile. In that second it seeks: what is polled
        of a stream before that is not known to follow anything, and what a cancelled poll has taken would be missing.
        """
        if self.flow_active and not self._may_poll:
            await asyncio.sleep(NOT_YET)
            return None, None
        return await super()._wait_next_records(timeout)

    @property
    def _may_poll(self) -> bool:
        active = self._get_active_partitions()
        return bool(active) and (self._sought or all(map(self._is_changelog, active)))

    async def _lost(self, begins: Mapping[TP, int]) -> set[TP]:
        """Give the partitions in which a batch leaves out what the broker still has."""
        suspects = {tp: begin for tp, begin in begins.items() if not self._is_changelog(tp)}
        suspects = {tp: begin for tp, begin in suspects.items() if self.progress(tp).has_gap(begin, 0)}
        firsts = await self._firsts(suspects)
        return {tp for tp, begin in suspects.items() if self.progress(tp).has_gap(begin, firsts.get(tp, 0))}

    async def _firsts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Ask for the first offset that each partition still has; none where Kafka does not answer."""
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
        """Give the progress of a partition, which begins when it is first asked for."""
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
        """Give where each partition of a stream is read from next."""
        return {tp: offset for tp, offset in self._thread.positions().items() if not self._is_changelog(tp)}

    def reached(self, tp: TP) -> int:
        """Give the offset behind the last record of a partition that was processed here."""
        return self.progress(tp).reached

    def follows(self, tp: TP, polled: Polled) -> bool:
        """Tell whether a batch follows what was processed; it may repeat of it, but not leave anything out."""
        return self.progress(tp).follows(polled.previous)

    def processed(self, tp: TP, next_offset: int) -> None:
        """Note that everything before `next_offset` was processed."""
        self.progress(tp).process(next_offset)

    async def recover_missing(self) -> dict[TP, int]:
        """Read again what was polled and never processed; to be called every half second or so.

        Gives the partitions in which retention has removed all of that, and the first offset that they still have.
        """
        unacked: Any = self._unacked_messages
        in_work = [message for message in unacked if not message.acked]
        # What was taken in is processed. Under load something always waits to be durable.
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
            self.log.info("What was polled in between was not processed and is read again: %r", lost)
            await self.seek_wait(lost)
        # To complete them says that all before is durable.
        return {} if in_work else gone

    def ack(self, message: Message) -> bool:
        """Note that a batch left the stream, however that went; it moves no offset."""
        message.acked = True
        self._unacked_messages.discard(message)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    async def stop_fetching(self, quiet: Collection[TP], others: Mapping[TP, int]) -> None:
        """Fetch some partitions no more, and others again from where they were processed.

        Of what this worker alone writes it need not be told.
        """
        if self.should_stop or self._thread.should_stop:
            return
        for tp, reached in others.items():
            progress = self.progress(tp)
            progress.seek(max(reached, progress.delivered or 0))
        await self._thread.stop_fetching(quiet, others)

    async def read_again(self, tp: TP) -> None:
        """Read a partition again from where it was processed: a batch that follows was lost.

        At once, since on a partition to which events come all the time `recover_missing` never sees the client stand
        still; but once a second at most, since other batches that do not follow may still be on their way.
        """
        progress = self.progress(tp)
        if tp in self._assigned and progress.may_read_again(monotonic()):
            with suppress(ClientError):
                await self.seek_wait({tp: progress.reached})

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before `next_offset` is folded and durable, so that it may be committed."""
        self.progress(tp).complete(next_offset, metadata)

    def see_committed(self, tp: TP, offset: int) -> None:
        """Note what Kafka has committed, so that an older commit that came last is put right."""
        self.progress(tp).see_committed(offset)

    async def begin_at(self, tp: TP, offset: int) -> None:
        """Read a partition from an offset on, also where more was taken for processed before."""
        if self.reached(tp) != offset:
            self.progress(tp).begin(offset)
            await self.seek_wait({tp: offset})

    async def force_commit(
        self,
        topics: Any = None,
        start_new_transaction: bool = True,
    ) -> bool:
        """Commit what was completed since the last commit."""
        # Faust notes each message that leaves a stream, for a commit of its own that never comes.
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
                # Some of it may still be ours.
                for tp in pending.keys() & self._progress.keys():
                    self._progress[tp].give_back(pending[tp])
        return done

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek to the committed offsets, and in replayed topics to where this worker has got to.

        aiokafka seeks only where more than 0 is committed. What Faust has polled and dropped before that would then
        never come again, so each partition is sought here.
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
        """Seek, and note that what was delivered behind the new position comes again.

        Noted before, since a batch may be delivered before the seek is reported done; and it must not look undelivered.
        """
        for tp, offset in partitions.items():
            self.progress(tp).seek(offset)
        await super().seek_wait(partitions)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust finish and commit what is in work, then forget what was not committed."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked & self._progress.keys():
            self._progress[tp].take_pending()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget the positions of what moved away."""
        self._sought = False
        self._progress = {tp: progress for tp, progress in self._progress.items() if tp in assigned}
        await super().on_partitions_assigned(assigned, generation_id)


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer: ClassVar[type[Consumer]] = Consumer
