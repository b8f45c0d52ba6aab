"""`track`: batches of events become rows of the item table and summaries, durably, then are completed.

The order is what keeps numbers true over a crash: rows and summaries, then the offset. Cut short at any point, the
batch comes again and repeats its outputs. With several partitions of `flow.items` the row goes first, since it
remembers where summaries were sent.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from stream.events.partition import Place
from stream.items.full import FullItems
from stream.items.row import read_newest
from stream.items.tail import Tail
from stream.items.tracker import Batch, Outcome, Sent, expired
from stream.kafka.offsets import Committed, write_metadata
from stream.kafka.places import TP
from stream.kafka.reads import Polled
from stream.worker.clients import Delivery, RowTable, Streams
from stream.worker.due import Due
from stream.worker.engine import Engine
from stream.worker.gathering import FAR, MAX_GATHERED, Gathered, Gathering
from stream.worker.measure import Measure
from stream.worker.placing import check_placed, check_rows
from stream.worker.readiness import Look
from stream.worker.rerouting import Rerouting
from stream.worker.writer import Taken, Writer

CHUNK = 2_000
# Events. While so many are not durable yet, no more are handed over.
MAX_UNDER_WAY = MAX_GATHERED
# Microseconds. A clock that is corrected by less is right again before anybody sees the difference.
CLOCK_SLACK = 1_000_000


class Track:
    """The tracking of the partitions of `flow.events` that this worker holds."""

    def __init__(self, engine: Engine, store: RowTable, consumer: Streams, measure: Measure) -> None:
        self._engine = engine
        self._writer = Writer(engine, store, measure)
        self._store = store
        self._consumer = consumer
        self._due: dict[int, Due] = defaultdict(Due)
        self._tails: dict[int, dict[bytes, Tail]] = defaultdict(dict)
        self._full: dict[int, FullItems] = defaultdict(FullItems)
        self._gathering = Gathering(self._open)
        self._rerouting = Rerouting(engine.numbers.label)
        # Where the partitions of the events ended when that was asked last.
        self._ends: Mapping[int, int] = {}
        # The partitions whose rows are complete here, and how often that has changed: what was begun under a former
        # assignment must not go on under the next.
        self._held: set[int] = set()
        self._term = 0
        self._under_way = 0
        # The instant up to which events were known when due items were last looked for.
        self._woken = 0

    @property
    def alone(self) -> bool:
        """Whether all partitions are tracked here."""
        return len(self._held) == self._engine.settings.events_partitions

    async def halt(self) -> None:
        """Let neither timers nor a derivation write any more; return when none does."""
        self._term += 1
        self._held.clear()
        async with self._engine.working:
            await self._close()
            await self._writer.flush()

    def keep(self, partitions: set[int]) -> None:
        """Forget what belongs to partitions that moved away."""
        for partition in (set(self._due) | set(self._tails)) - partitions:
            self._due.pop(partition, None)
            self._tails.pop(partition, None)
            self._full.pop(partition, None)
        for partition in set(self._engine.newest) - partitions:
            del self._engine.newest[partition]

    async def batch(self, delivery: Delivery, tp: TP, polled: Polled) -> None:
        """Take one batch of records in; it is completed, and its delivery done, once all of it is durable.

        The next one need not wait for that: what was taken in already stands in the rows here, and where Kafka does not
        acknowledge it the process ends.
        """
        if not self._consumer.follows(tp, polled):
            await self._consumer.read_again(tp)
            return
        async with self._engine.working:
            behind, clock = polled.behind, self._engine.clock
            self._gathering.take(tp.partition, delivery, polled, clock.fold_until(), clock.not_future)
            self._consumer.processed(tp, behind)
            # What comes between a halt and the next assignment must not wait: the rows may move away meanwhile.
            far = tp.partition in self._held and self._ends.get(tp.partition, 0) - behind >= FAR
            if not far or self._gathering.weight >= MAX_GATHERED:
                await self._close()

    async def _close(self) -> None:
        """Put what was gathered into the table, and hand it over; before anything else touches rows."""
        while self._gathering:
            if self._under_way >= MAX_UNDER_WAY:
                await self._writer.flush()
            partition, gathered = self._gathering.pop()
            self._under_way += gathered.room
            outcome = gathered.batch.close()
            self._take(partition, outcome, partial(self._finish, partition, gathered, outcome))

    def _take(self, partition: int, outcome: Outcome, durable: Callable[[], None]) -> None:
        """Put rows into the table, and hand them and what came of them to Kafka."""
        self._apply(partition, outcome)
        taken = Taken(partition, outcome, lambda: self._settle(partition, outcome, durable))
        self._writer.put(taken, alone=self.alone)

    def _finish(self, partition: int, gathered: Gathered, outcome: Outcome) -> None:
        self._complete(partition, gathered.behind)
        self._engine.numbers.count(outcome)
        self._rerouting.warn(outcome)
        self._under_way -= gathered.room
        for delivery in gathered.deliveries:
            delivery.done()

    async def recovered(self, partitions: set[int]) -> None:
        """Derive again what another configuration left behind, or what came due while nobody was there."""
        engine, term = self._engine, self._term
        count = engine.settings.events_partitions
        committed = await engine.offsets.committed(engine.events_topic, count)
        await self._refuse_misplaced(partitions, committed)
        beginnings = await engine.offsets.beginnings(engine.events_topic, count)
        for partition in sorted(partitions):
            known = committed.get(partition)
            start = beginnings[partition] if known is None else max(beginnings[partition], known.offset)
            async with engine.working:
                if term != self._term:
                    return
                if known is None:
                    # What the client was told to begin with may be an offset of a topic that was deleted.
                    await self._consumer.begin_at(TP(engine.events_topic, partition), start)
                foreign = known is None or known.derivation != engine.derivation.name
                # What was folded by a clock that was ahead is folded again.
                as_of = 0 if known is None or foreign else min(known.as_of, engine.clock.fold_until())
                stale = self._stale(partition, as_of, everything=foreign)
                if foreign and stale and not await self._mark_unfinished(partition, start):
                    return
                await self._derive(partition, stale, term)
                if term != self._term:
                    return
                if known is not None:
                    engine.newest[partition] = dict(known.newest)
                    engine.numbers.see(known.newest)
                self._complete(partition, start)
                self._held.add(partition)

    async def _refuse_misplaced(self, partitions: set[int], committed: Mapping[int, Committed]) -> None:
        """Raise KafkaError where rows are not, or may not be, in the partitions that their keys belong to."""
        engine = self._engine
        now = engine.settings.events_partitions
        check_placed(engine.events_topic, {number: known.placed for number, known in committed.items()}, now)
        for partition in sorted(partitions):
            if partition not in committed or committed[partition].placed is None:
                await check_rows(engine.histories_topic, self._store.rows(partition), Place(partition, now))

    async def _mark_unfinished(self, partition: int, start: int) -> bool:
        """Commit that the partition is folded with no configuration, before it is folded half with this one.

        Else a worker of the former configuration that took over in the middle would find nothing to do.
        """
        self._consumer.complete(TP(self._engine.events_topic, partition), start, self._metadata("", 0, {}))
        return await self._consumer.force_commit()

    async def wake(self) -> None:
        """Fold again the items of which an event has come due, and close what was gathered long enough.

        Where the clock has gone back, that is each item of which an event now lies in the future.
        """
        now, term = self._engine.clock.fold_until(), self._term
        went_back, self._woken = now < self._woken - CLOCK_SLACK, now
        if self._gathering.is_due:
            async with self._engine.working:
                await self._close()
        for partition in sorted(self._held):
            if went_back or self._due[partition].by(now):
                async with self._engine.working:
                    await self._close()
                    keys = self._stale(partition, now) if went_back else self._due[partition].by(now)
                    await self._derive(partition, keys, term)

    def watch(self, look: Look | None) -> None:
        """Note how many events of the partitions held here are still to be folded."""
        if look is None:
            return
        engine, self._ends = self._engine, look.events
        reached = {partition: self._consumer.reached(TP(engine.events_topic, partition)) for partition in self._held}
        engine.numbers.lag = sum(max(0, look.events[partition] - offset) for partition, offset in reached.items())

    async def pass_over(self, positions: Mapping[TP, int]) -> None:
        """Complete the offsets behind the last record that hold no record of their own."""
        async with self._engine.working:
            for tp, position in positions.items():
                if tp.topic == self._engine.events_topic and tp.partition in self._held:
                    self._complete(tp.partition, position)

    async def sweep(self) -> None:
        """Forget the items that are beyond retention."""
        for partition in sorted(self._held):
            gone = await self._expired(partition)
            async with self._engine.working:
                await self._close()
                rows = self._store.rows(partition)
                # What an event has touched since it was looked at is not beyond retention any more.
                still = {key: sent for key, (row, sent) in gone.items() if rows.get(key) == row}
                if partition in self._held and still:
                    await self._forget(partition, still)

    async def _forget(self, partition: int, items: Mapping[bytes, Sequence[Sent]]) -> None:
        # Summaries first: a summary without a row would never be taken out again.
        await self._write(partition, Outcome(summaries=[one for sent in items.values() for one in sent]))
        await self._write(partition, Outcome(rows=dict.fromkeys(items)))

    async def _expired(self, partition: int) -> dict[bytes, tuple[bytes, list[Sent]]]:
        now, rows = self._engine.clock.now(), self._store.rows(partition)
        found: dict[bytes, tuple[bytes, list[Sent]]] = {}
        for number, key in enumerate(list(rows)):
            row = rows.get(key)
            sent = None if row is None else expired(key, row, self._engine.derivation, now)
            if row is not None and sent is not None:
                found[key] = (row, sent)
            if not number % CHUNK:
                await asyncio.sleep(0)
        return found

    def _open(self, partition: int) -> Batch:
        clock, place = self._engine.clock, self._place(partition)
        rows, tails, full = self._store.rows(partition), self._tails[partition], self._full[partition]
        return Batch(rows, self._engine.derivation, clock.fold_until(), clock.now(), tails, place=place, full=full)

    def _place(self, partition: int) -> Place | None:
        return Place(partition, self._engine.settings.events_partitions)

    def _stale(self, partition: int, as_of: int, *, everything: bool = False) -> list[bytes]:
        rows = self._store.rows(partition)
        if everything:
            return list(rows)
        return [key for key, row in rows.items() if read_newest(row) > as_of]

    async def _derive(self, partition: int, keys: Sequence[bytes], term: int) -> None:
        for first in range(0, len(keys), CHUNK):
            if term != self._term:
                return
            batch, chunk = self._open(partition), keys[first : first + CHUNK]
            for key in chunk:
                batch.touch(key)
            outcome = batch.close()
            await self._write(partition, outcome)
            # Only now: a batch that is completed meanwhile must not say that all is folded up to the present.
            for key in set(chunk) - set(outcome.due):
                self._due[partition].forget(key)
            await asyncio.sleep(0)

    async def _write(self, partition: int, outcome: Outcome) -> None:
        self._take(partition, outcome, lambda: None)
        await self._writer.flush()

    def _settle(self, partition: int, outcome: Outcome, then: Callable[[], None]) -> None:
        engine = self._engine
        self._due[partition].update(outcome.due)
        engine.newest.setdefault(partition, {})
        for name, time in outcome.newest.items():
            source = engine.numbers.label(name)
            former = engine.newest[partition].get(source, time)
            engine.newest[partition][source] = max(time, former)
        engine.numbers.see(outcome.newest)
        then()

    def _apply(self, partition: int, outcome: Outcome) -> None:
        held = self._store.rows(partition)
        for key, value in outcome.rows.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value

    def _complete(self, partition: int, next_offset: int) -> None:
        engine = self._engine
        now, due = engine.clock.fold_until(), self._due[partition].earliest
        as_of = now if due is None else min(now, due - 1)
        text = self._metadata(engine.derivation.name, as_of, engine.newest.get(partition, {}))
        self._consumer.complete(TP(engine.events_topic, partition), next_offset, text)

    def _metadata(self, derivation: str, as_of: int, newest: Mapping[str, int]) -> str:
        # Rows are only ever written where they belong, and `recovered` has checked those that were there before.
        return write_metadata(derivation, as_of, newest, self._engine.settings.events_partitions, self._engine.folded)
