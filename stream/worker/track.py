"""`track`: batches of events become rows and summaries. Once these are durable, the offset is completed.

This order keeps numbers true over a crash. After a crash at any point the batch comes again and repeats its outputs.
With several partitions of `flow.items` the row is written first, since it remembers where summaries were sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic

from stream.events.partition import EventsPartition
from stream.items.outcome import Outcome, SummaryRow
from stream.items.tracker import BEGIN_AGAIN, Batch, expired
from stream.kafka.offsets import Committed, write_metadata
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker.clients import Delivery, RowStore, Streams
from stream.worker.engine import Engine
from stream.worker.measure import Measure
from stream.worker.placing import check_placed, check_rows
from stream.worker.readiness import Look
from stream.worker.rerouting import Rerouting
from stream.worker.tracked import FAR, MAX_GATHERED, OpenBatch, Tracked
from stream.worker.unreadable import RecordPlace
from stream.worker.writer import PendingWrite, Writer

CHUNK = 2_000
# Events. While that many wait to be durable, no more are handed over.
MAX_UNDER_WAY = MAX_GATHERED
# Microseconds. A clock that goes back by less is right again before anybody sees the difference.
CLOCK_SLACK = 1_000_000
# Seconds that a batch may stay open, since a broker may give little at a time.
PATIENCE = 2.0

log = logging.getLogger(__name__)


class Track:
    """Tracks the partitions of `flow.events` that this worker has: `engine.tracked`."""

    def __init__(self, engine: Engine, store: RowStore, streams: Streams, measure: Measure) -> None:
        self._engine = engine
        self._writer = Writer(engine, store, measure)
        self._store = store
        self._streams = streams
        self._rerouting = Rerouting(engine.numbers.label)
        self._under_way = 0
        self._open_since = 0.0
        # The instant up to which events counted when items that are due were last looked for.
        self._woken = 0

    @property
    def _complete_ones(self) -> Iterator[Tracked]:
        return (each for each in list(self._engine.tracked.values()) if each.complete)

    @property
    def _open_ones(self) -> list[Tracked]:
        return [each for each in self._engine.tracked.values() if each.open is not None]

    async def revoke(self) -> None:
        """Stop timers and derivations from writing. Return when none writes any more."""
        for tracked in self._engine.tracked.values():
            tracked.complete = False
        async with self._engine.working:
            await self._close()
            await self._writer.flush()

    def assign(self, partitions: set[int]) -> None:
        """Begin with new partitions, and end with those that are assigned to other workers."""
        topic, tracked = self._engine.topics.events, self._engine.tracked
        for number in set(tracked) - partitions:
            del tracked[number]
        for number in partitions - set(tracked):
            tracked[number] = Tracked(TP(topic, number), self._store.rows)

    async def batch(self, delivery: Delivery, tp: TP, polled: Polled) -> None:
        """Add one batch of records. Its offset is completed, and its delivery done, once all of it is durable.

        The next batch need not wait for that: the rows here already have this one. If Kafka does not acknowledge it,
        the process ends.
        """
        tracked = self._engine.tracked.get(tp.partition)
        if tracked is None:
            return
        if not self._streams.follows(tp, polled):
            await self._streams.read_again(tp)
            return
        async with self._engine.working:
            clock = self._engine.clock
            self._opened(tracked).add(delivery, polled, clock.fold_until(), clock.not_future)
            self._streams.processed(tp, polled.next_offset)
            # Between a revocation and the next assignment nothing may wait, since the rows may move away.
            far = tracked.complete and tracked.end - polled.next_offset >= FAR
            if not far or sum(each.open.weight for each in self._open_ones if each.open) >= MAX_GATHERED:
                await self._close()

    def _opened(self, tracked: Tracked) -> OpenBatch:
        if not self._open_ones:
            self._open_since = monotonic()
        if tracked.open is None:
            tracked.open = OpenBatch(self._begin(tracked))
        return tracked.open

    async def _close(self) -> None:
        """Fold the open batches and hand them over. Call it before anything else touches rows."""
        for tracked in self._open_ones:
            if self._under_way >= MAX_UNDER_WAY:
                await self._writer.flush()
            batch, tracked.open = tracked.open, None
            if batch is not None:
                self._under_way += batch.room
                outcome = batch.batch.close()
                self._take(tracked, outcome, partial(self._finish, tracked, batch, outcome))

    def _take(self, tracked: Tracked, outcome: Outcome, durable: Callable[[], None]) -> None:
        """Write the rows here, and hand the outcome over to be written to Kafka."""
        tracked.apply(outcome)
        write = PendingWrite(tracked.tp.partition, outcome, lambda: self._settle(tracked, outcome, durable))
        self._writer.put(write)

    def _finish(self, tracked: Tracked, batch: OpenBatch, outcome: Outcome) -> None:
        self._complete(tracked, batch.next_offset)
        self._engine.numbers.count(outcome)
        self._rerouting.warn(outcome)
        self._under_way -= batch.room
        for delivery in batch.deliveries:
            delivery.done()

    async def recovered(self, partitions: set[int]) -> None:
        """Derive again what was folded with another configuration, and items that came due meanwhile."""
        engine, assignment = self._engine, self._engine.assignment
        count = engine.settings.events_partitions
        committed = await engine.offsets.committed(engine.topics.events, count)
        await self._refuse_misplaced(partitions, committed)
        beginnings = await engine.offsets.beginnings(engine.topics.events, count)
        for partition in sorted(partitions):
            tracked, known = engine.tracked.get(partition), committed.get(partition)
            start = beginnings[partition] if known is None else max(beginnings[partition], known.offset)
            if known is not None:
                self._warn_of_deleted(TP(engine.topics.events, partition), known.offset, start)
            async with engine.working:
                if assignment != self._engine.assignment or tracked is None:
                    return
                if known is None:
                    # The client may have begun with an offset of a topic that was deleted.
                    await self._streams.begin_at(tracked.tp, start)
                await self._write_again(tracked)
                folded = await self._fold_again(tracked, known, start, assignment)
                if not folded or assignment != engine.assignment:
                    return
                if known is not None:
                    tracked.newest = dict(known.newest)
                    engine.numbers.see(known.newest)
                self._complete(tracked, start)
                tracked.complete = True

    async def _fold_again(self, tracked: Tracked, known: Committed | None, start: int, assignment: int) -> bool:
        """Fold again what is out of date. Return False if another worker has the partition now."""
        engine = self._engine
        foreign = known is None or known.derivation != engine.derivation.name
        # Items that were folded by a clock ahead of this one are folded again.
        as_of = 0 if known is None else min(known.as_of, engine.clock.fold_until())
        stale = list(tracked.rows) if foreign else tracked.newer_than(as_of)
        if foreign and stale and not await self._mark_unfinished(tracked, start, known):
            return False
        await self._derive(tracked, stale, assignment)
        return True

    async def _write_again(self, tracked: Tracked) -> None:
        """Write the rows again that others have overwritten, since compaction would keep the newest record only."""
        rows = tracked.rows
        keys: set[bytes] = getattr(rows, "overwritten", set())
        if keys:
            await self._write(tracked, Outcome(rows={key: rows[key] for key in keys if key in rows}))
            keys.clear()

    async def _refuse_misplaced(self, partitions: set[int], committed: Mapping[int, Committed]) -> None:
        """Raise KafkaError if rows are not, or may not be, in the partitions of their keys."""
        engine = self._engine
        now = engine.settings.events_partitions
        check_placed(engine.topics.events, {number: known.placed for number, known in committed.items()}, now)
        for partition in sorted(partitions):
            if partition not in committed or committed[partition].placed is None:
                await check_rows(engine.topics.histories, self._store.rows(partition), EventsPartition(partition, now))

    async def _mark_unfinished(self, tracked: Tracked, start: int, known: Committed | None) -> bool:
        """Commit that the partition is folded with no configuration, before it is half folded with this one.

        Otherwise a worker with the former configuration that takes over then would find nothing to do.
        """
        newest = {} if known is None else known.newest
        self._streams.complete(tracked.tp, start, self._metadata("", 0, newest))
        return await self._streams.force_commit()

    async def wake(self) -> None:
        """Fold again the items with an event that has come due, and close batches that were open for long enough.

        If the clock has gone back, fold again each item with an event that is now in the future.
        """
        now, assignment = self._engine.clock.fold_until(), self._engine.assignment
        went_back, self._woken = now < self._woken - CLOCK_SLACK, now
        if self._open_ones and monotonic() - self._open_since > PATIENCE:
            async with self._engine.working:
                await self._close()
        for tracked in self._complete_ones:
            if went_back or tracked.due.by(now):
                async with self._engine.working:
                    await self._close()
                    keys = tracked.newer_than(now) if went_back else tracked.due.by(now)
                    await self._derive(tracked, keys, assignment)
                    # The offset stays as it is. Its metadata says what is due next.
                    self._complete(tracked, 0)
        await self._write_over()

    async def _write_over(self) -> None:
        """Write the summaries again that others have overwritten, since compaction would keep what they wrote."""
        engine, assignment = self._engine, self._engine.assignment
        if not engine.overwritten or not all(tracked.complete for tracked in engine.tracked.values()):
            return
        overwritten, engine.overwritten = engine.overwritten, set()
        for tracked in self._complete_ones:
            keys = [key for key in overwritten if key in tracked.rows]
            if keys:
                async with engine.working:
                    await self._close()
                    await self._derive(tracked, keys, assignment)

    def watch(self, look: Look | None) -> None:
        """Note how many events of the partitions tracked here are not folded yet."""
        if look is None:
            return
        for tracked in self._engine.tracked.values():
            tracked.end = look.events.get(tracked.tp.partition, 0)
            known = look.committed.get(tracked.tp.partition)
            if known is not None:
                self._streams.see_committed(tracked.tp, known.offset)
        self._engine.numbers.lag = sum(
            max(0, tracked.end - self._streams.reached(tracked.tp)) for tracked in self._complete_ones
        )

    async def pass_over(self, positions: Mapping[TP, int]) -> None:
        """Complete the offsets up to which Kafka has deleted the records of a partition."""
        async with self._engine.working:
            for tracked in self._complete_ones:
                if tracked.tp in positions:
                    self._warn_of_deleted(tracked.tp, self._streams.reached(tracked.tp), positions[tracked.tp])
                    self._complete(tracked, positions[tracked.tp])

    @staticmethod
    def _warn_of_deleted(tp: TP, folded: int, first: int) -> None:
        """Warn of events before the `first` that Kafka still has. Some offsets may be of aborted transactions."""
        if folded < first:
            gone = f"{first - folded:,} events were deleted before they were folded"
            log.warning("Partition %d of %s: %s, so no number has them", tp.partition, tp.topic, gone)

    async def sweep(self) -> None:
        """Remove the items that are beyond retention."""
        for tracked in self._complete_ones:
            gone = await self._expired(tracked)
            async with self._engine.working:
                await self._close()
                rows = tracked.rows
                # An item that an event has changed meanwhile is not beyond retention any more.
                still = {key: sent for key, (row, sent) in gone.items() if rows.get(key) == row}
                if tracked.complete and still:
                    await self._forget(tracked, still)

    async def _forget(self, tracked: Tracked, items: Mapping[bytes, Sequence[SummaryRow]]) -> None:
        # Summaries first: one without a row would never be removed.
        await self._write(tracked, Outcome(summaries=[one for sent in items.values() for one in sent]))
        await self._write(tracked, Outcome(rows=dict.fromkeys(items)))

    async def _expired(self, tracked: Tracked) -> dict[bytes, tuple[bytes, list[SummaryRow]]]:
        now, rows = self._engine.clock.now(), tracked.rows
        found: dict[bytes, tuple[bytes, list[SummaryRow]]] = {}
        for number, key in enumerate(list(rows)):
            row = rows.get(key)
            sent = None if row is None else expired(key, row, self._engine.derivation, now)
            if row is not None and sent is not None:
                found[key] = (row, sent)
            if not number % CHUNK:
                await asyncio.sleep(0)
        return found

    def _begin(self, tracked: Tracked) -> Batch:
        clock, place = self._engine.clock, self._place(tracked.tp.partition)
        now, today = clock.fold_until(), clock.now()
        return Batch(
            tracked.rows,
            self._engine.derivation,
            now,
            today,
            partition=place,
            full=tracked.full,
        )

    def _place(self, partition: int) -> EventsPartition | None:
        return EventsPartition(partition, self._engine.settings.events_partitions)

    async def _derive(self, tracked: Tracked, keys: Sequence[bytes], assignment: int) -> None:
        for first in range(0, len(keys), CHUNK):
            if assignment != self._engine.assignment:
                return
            batch, chunk = self._begin(tracked), keys[first : first + CHUNK]
            for key in chunk:
                batch.touch(key)
            outcome = batch.close()
            await self._write(tracked, outcome)
            # Not earlier: a batch that is completed meanwhile must not commit that all is folded up to now.
            for key in set(chunk) - set(outcome.due):
                tracked.due.forget(key)
            await asyncio.sleep(0)

    async def _write(self, tracked: Tracked, outcome: Outcome) -> None:
        self._take(tracked, outcome, lambda: None)
        await self._writer.flush()

    def _settle(self, tracked: Tracked, outcome: Outcome, then: Callable[[], None]) -> None:
        for key, why in outcome.unreadable.items():
            place = RecordPlace(self._engine.topics.histories, tracked.tp.partition, key)
            self._engine.unreadable.note(place, why, f"The item's events are kept as dead letters: {BEGIN_AGAIN}")
        tracked.due.update(outcome.due)
        for name, time in outcome.newest.items():
            tracked.see(self._engine.numbers.label(name), time)
        self._engine.numbers.see(outcome.newest)
        then()

    def _complete(self, tracked: Tracked, next_offset: int) -> None:
        as_of = tracked.folded_until(self._engine.clock.fold_until())
        text = self._metadata(self._engine.derivation.name, as_of, tracked.newest, tracked.due.earliest)
        self._streams.complete(tracked.tp, next_offset, text)

    def _metadata(self, derivation: str, as_of: int, newest: Mapping[str, int], due: int | None = None) -> str:
        # Rows are only written where they belong, and `recovered` has checked the older ones.
        placed = self._engine.settings.events_partitions
        return write_metadata(derivation, as_of, newest, placed, self._engine.folded, due=due)
