"""`measure`: summaries become boards, boards a snapshot.

`flow.items` is itself the changelog of the boards: compacted, and holding absolute state. So a worker reads
its partitions from their beginning when they come, and needs neither a second changelog nor offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from time import monotonic

from stream.clock import uptime, wall
from stream.errors import KafkaError
from stream.flow.nodes import PORTFOLIO, Node
from stream.flow.report import Reading
from stream.flow.statistics import NEVER
from stream.gauges.snapshot import Snapshot
from stream.items.codec import decode_summary
from stream.items.objective import Objective
from stream.items.outcome import MILLISECOND
from stream.items.summary import Summary
from stream.kafka.outbox import Row
from stream.kafka.places import TP
from stream.kafka.reads import Polled
from stream.worker.clients import Streams
from stream.worker.engine import Engine
from stream.worker.pace import Pace
from stream.worker.readiness import Look, Readiness
from stream.worker.unreadable import Place

SECOND = 1_000_000
# Keys of records that cannot be read.
MAX_OVERWRITTEN = 10_000
MAX_NOTED = 1_000_000
# Of the time that reading the boards took, so much passes before they are read again: for a scrape, and where nobody
# asks.
PAUSE_BEFORE_A_SCRAPE, PAUSE = 1, 9
# Seconds. A look that takes longer is asked again.
LOOK_DEADLINE = 10.0
logger = logging.getLogger(__name__)


class Measure:
    """The boards of the partitions of `flow.items` that this worker holds, and when they are true."""

    def __init__(self, engine: Engine, consumer: Streams) -> None:
        self._engine = engine
        self._consumer = consumer
        self.readiness = Readiness(engine.derivation.name)
        self._reading = Reading(engine.config, engine.boards)
        self._held: set[int] = set()
        # Partitions that were read to their end once: what comes is put on the boards at once.
        self._live: set[int] = set()
        # Of these nothing is fetched, so that nothing old can come over what was taken ahead.
        self._at_rest: set[int] = set()
        # A summary that was folded with this configuration has this text in it.
        self._mark = f'"config":"{engine.derivation.name}"'.encode()
        # What came before its partition is shown: while a backlog is folded an item has many summaries, and the boards
        # need the last one only.
        self._noted: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        # Where the partitions ended when that was asked last.
        self._ends: Mapping[int, int] = {}
        self._changed = True
        self._published = 0.0

    def keep(self, partitions: set[int]) -> None:
        """Drop the boards of partitions that moved away: they leave no series."""
        for partition in self._held - partitions:
            self._engine.boards.drop(partition)
            self._noted.pop(partition, None)
        self._held = set(partitions)
        self._live &= partitions
        self._at_rest = set()
        self._ends = {}
        # At once: until readiness learns of the assignment a snapshot would show the nodes that are gone as zeros.
        self.readiness.assign(partitions)
        self._swap(monotonic())

    async def batch(self, tp: TP, polled: Polled) -> None:
        """Put a batch of summaries into the boards; before they are shown, only note the newest of each item."""
        if tp.partition not in self._held:
            return
        if not self._consumer.follows(tp, polled):
            await self._consumer.read_again(tp)
            return
        # What this worker wrote itself is known; and a poll that crossed a seek brings old summaries again, while what
        # came after them does not come again.
        reached = self._consumer.reached(tp)
        records = polled.records
        if records and records[0].offset < reached:
            records = [record for record in records if record.offset >= reached]
        if records:
            self._take(tp.partition, records)
        if polled.refused is not None:
            self._engine.unreadable.note_batch(*tp, polled.refused)
        self._consumer.processed(tp, polled.behind)
        # The partition may move away meanwhile, so this stands last.
        if self._wanted(tp.partition):
            await self._absorb(tp.partition)

    def shows(self, partitions: Collection[int]) -> bool:
        """Tell whether all these are on the boards, and nothing of them comes from elsewhere."""
        return self._held & self._live & self._at_rest >= set(partitions)

    def take_ahead(self, partition: int, rows: Sequence[Row]) -> None:
        """Put in what this worker is about to write to a partition that it `shows`.

        It does not wait for Kafka's acknowledgement: without it the process ends, and whoever comes next makes the same
        of the same events.
        """
        self._take(partition, rows)

    def written(self, tp: TP, first: int, rows: Sequence[Row], *, shown: bool = False) -> None:
        """Put in what this worker has itself written from offset `first` on, so that it need not come back to be shown.

        Where something of others stands before it that has not been read yet, it does come back. `shown`: it was put in
        ahead.
        """
        reached, behind = self._consumer.reached(tp), first + len(rows)
        if tp.partition in self._held and first <= reached < behind:
            # What is fetched again may have brought something older since.
            if not shown or tp.partition not in self._at_rest:
                self._take(tp.partition, rows[reached - first :])
            self._consumer.processed(tp, behind)

    def _take(self, partition: int, rows: Sequence[Row]) -> None:
        if partition not in self._live:
            self._note(partition, rows)
            return
        # What has just happened then counts in the windows at once, and not all of a second's together.
        self._engine.boards.advance(self._engine.clock.now())
        for row in rows:
            self._put(partition, row)
        self._changed = True
        self._observe(rows)

    def _note(self, partition: int, rows: Sequence[Row]) -> None:
        noted, mark = self._noted[partition], self._mark
        for row in rows:
            value = row.value
            if value is None or mark in value:
                noted[row.key or b""] = value
            else:
                self._put(partition, row)

    def _wanted(self, partition: int) -> bool:
        """Tell whether what was noted is to be counted now: all is read, or it is too much to keep."""
        if partition in self._live:
            return False
        return self._is_read(partition) or sum(map(len, self._noted.values())) > MAX_NOTED

    def _is_read(self, partition: int) -> bool:
        end = self.readiness.end(partition)
        return end is not None and self._consumer.reached(TP(self._engine.items_topic, partition)) >= end

    def _put(self, partition: int, row: Row) -> None:
        key, value = row.key or b"", row.value
        # What this worker writes itself has no offset yet, and can be read.
        offset = getattr(row, "offset", None)
        summary = None if value is None else self._decoded(partition, key, value, offset)
        if summary is not None or value is None:
            self._engine.boards.put(partition, key, summary)

    def _decoded(
        self, partition: int, key: bytes, value: bytes, offset: int | None = None
    ) -> Summary | Objective | None:
        engine = self._engine
        try:
            return decode_summary(value, engine.derivation.name)
        except ValueError as error:
            engine.unreadable.note(Place(engine.items_topic, partition, key, offset), error)
            if len(engine.overwritten) < MAX_OVERWRITTEN:
                engine.overwritten.add(key)
            return None

    async def _absorb(self, partition: int) -> None:
        """Put what was noted into the boards, in slices, so that the event loop goes on."""
        boards, noted = self._engine.boards, self._noted[partition]
        at_once = boards.at_once
        boards.advance(self._engine.clock.now())
        while noted and self._noted.get(partition) is noted:
            rows = [noted.popitem() for _ in range(min(at_once, len(noted)))]
            found: dict[bytes, Summary | Objective] = {}
            for key, value in rows:
                summary = None if value is None else self._decoded(partition, key, value)
                if summary is not None:
                    found[key] = summary
                elif value is None:
                    boards.put(partition, key, None)
            boards.put_all(partition, found)
            self._changed = True
            await asyncio.sleep(0)
        if partition in self._held and not noted and self._is_read(partition):
            self._live.add(partition)

    async def watch(self) -> None:
        """Look at how far the group has got and with which configuration, and settle what has become true."""
        engine, at = self._engine, uptime()
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                look = await self._look(at)
        except (KafkaError, TimeoutError) as error:
            # What is shown stays until its lease is over; what needs Kafka's answer waits for it.
            logger.warning("Kafka does not say how far the group has got: %s", str(error) or "no answer in time")
            engine.offsets.hang_up()
            return
        engine.committed = look.committed
        if not self.readiness.see(look):
            # All summaries are written again: noted first, they are counted many at once.
            self._live.clear()
        for partition in sorted(self._held - self._live):
            if self._wanted(partition):
                await self._absorb(partition)

    async def _look(self, at: float) -> Look:
        engine, offsets, settings = self._engine, self._engine.offsets, self._engine.settings
        # The embedded broker has one worker, and does not describe groups.
        listed = settings.embedded or await offsets.lists(engine.client_id)
        committed = await offsets.committed(engine.events_topic, settings.events_partitions)
        events = await offsets.ends(engine.events_topic, settings.events_partitions)
        items = await offsets.ends(engine.items_topic, settings.items_partitions)
        return Look(at, listed, committed, events, items)

    async def rest(self, *, alone: bool) -> None:
        """Have partitions fetched no more that are read to their end, while this worker `alone` writes them.

        Where something of others stands in one nevertheless, it is fetched again.
        """
        topic, held = self._engine.items_topic, self._held
        reached = {part: self._consumer.reached(TP(topic, part)) for part in self._held}
        quiet = {part for part in self._held if alone and reached[part] >= self._ends.get(part, NEVER)}
        self._at_rest &= quiet
        await self._consumer.rest(
            {TP(topic, part) for part in quiet}, {TP(topic, part): reached[part] for part in self._held - quiet}
        )
        # With another assignment all are fetched again.
        if self._held is held:
            self._at_rest = quiet
            # What was there at the last look is known by the next one, unless others wrote it.
            look = self.readiness.look
            self._ends = {} if look is None else look.items

    def _counted(self) -> dict[int, int]:
        """Give up to which offset each partition's summaries are on the boards."""
        topic = self._engine.items_topic
        return {partition: self._consumer.reached(TP(topic, partition)) for partition in self._held & self._live}

    @property
    def fresh_for(self) -> float:
        """Seconds until the next snapshot is due if nobody asks for one: a second; less, to tell that all is true."""
        snapshot = self._engine.wall.snapshot
        pause = max(1.0 if snapshot.ready else 0.1, PAUSE * snapshot.seconds)
        return max(0.0, self._published + pause - monotonic())

    async def renew(self) -> None:
        """Swap the snapshot for one that has all that stands in the boards now; not for more than half of the time.

        Whoever asks waits, so that boards of any size leave room for events.
        """
        while self._changed:
            left = self._published + PAUSE_BEFORE_A_SCRAPE * self._engine.wall.snapshot.seconds - monotonic()
            if left > 0:
                await asyncio.sleep(left)
            else:
                await self.publish()

    async def publish(self) -> None:
        """Read the boards and swap the snapshot: little by little first, so that few nodes are left to read at once."""
        begun, pace = monotonic(), Pace()
        ready = self.readiness.ready(uptime())
        if ready:
            for _ in self._reading.ahead(self._engine.clock.now(), self._shown(ready)):
                await pace.rest()
        self._swap(begun + pace.rested)

    def _swap(self, begun: float) -> None:
        self._changed = False
        engine, now, instant = self._engine, self._engine.clock.now(), uptime()
        counted = self._counted()
        self.readiness.count(counted)
        ready, reasons = self.readiness.ready(instant), self.readiness.reasons(instant, counted)
        nodes = self._reading.read(now, self._shown(ready)) if ready else []
        items = sum(engine.boards.items(partition) for partition in self._held)
        until = self.readiness.until(instant) if ready or not reasons else inf
        self._published = monotonic()
        seconds = self._published - begun
        engine.wall.snapshot = Snapshot(now, tuple(nodes), tuple(reasons), items, seconds, ready, until)

    def _observe(self, rows: Sequence[Row]) -> None:
        """Note how fresh what has just come into the boards is: a scrape from now on shows it."""
        now = wall()
        for row in rows:
            if row.timestamp:
                self._engine.numbers.observe_freshness(max(0, now - row.timestamp * MILLISECOND) / SECOND)

    def _shown(self, ready: frozenset[int]) -> Callable[[Node], bool] | None:
        """Give a test for the nodes of these partitions; None where they are all."""
        partition = self._engine.derivation.partition
        if len(ready) == self._engine.derivation.partitions:
            return None
        return lambda node: node != PORTFOLIO and partition(node.value_stream) in ready
