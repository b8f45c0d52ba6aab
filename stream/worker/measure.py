"""`measure`: summaries become boards, boards a snapshot.

`flow.items` is itself the changelog of the boards: compacted, and holding absolute state. So a worker reads
its partitions from their beginning when they come, and needs neither a second changelog nor offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from stream.clock import uptime, wall_time
from stream.errors import KafkaError
from stream.events.event import SECOND
from stream.flow.nodes import PORTFOLIO, Node
from stream.flow.report import Reading
from stream.gauges.snapshot import Snapshot
from stream.items.outcome import MILLISECOND, SummaryRow
from stream.kafka.places import TP
from stream.kafka.reads import Polled
from stream.worker.clients import Streams
from stream.worker.engine import Engine
from stream.worker.measured import Measured
from stream.worker.pauses import CooperativePauses
from stream.worker.readiness import Look, Readiness
from stream.worker.unreadable import RecordPlace

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
        self._changed = True
        self._published = 0.0

    def assign(self, partitions: set[int]) -> None:
        """Begin with the partitions that have come, and end with those that moved away: they leave no series."""
        engine, measured = self._engine, self._engine.measured
        for number in set(measured) - partitions:
            measured.pop(number).finish()
        for number in partitions - set(measured):
            tp = TP(engine.items_topic, number)
            measured[number] = Measured(tp, engine.boards, engine.derivation.name, self._note_unreadable)
        # At once: until readiness learns of the assignment a snapshot would show the nodes that are gone as zeros.
        self.readiness.assign([each.shown for each in measured.values()])
        self._swap(monotonic())

    def _note_unreadable(self, place: RecordPlace, error: ValueError) -> None:
        self._engine.unreadable.note(place, error)
        if place.key is not None and len(self._engine.overwritten) < MAX_OVERWRITTEN:
            self._engine.overwritten.add(place.key)

    async def batch(self, tp: TP, polled: Polled) -> None:
        """Put a batch of summaries into the boards; before they are shown, only note the newest of each item."""
        measured = self._engine.measured.get(tp.partition)
        if measured is None:
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
        if records and measured.live:
            self._advance()
            self._observe([record.timestamp * MILLISECOND for record in records])
        measured.add_read(records)
        if polled.refused is not None:
            self._engine.unreadable.note_batch(*tp, polled.refused)
        self._consumer.processed(tp, polled.next_offset)
        # The partition may move away meanwhile, so this stands last.
        await self._count_noted(measured)

    def written(self, tp: TP, first: int, rows: Sequence[SummaryRow]) -> None:
        """Count what this worker has itself written from offset `first` on, so that it need not come back.

        Where something of others stands before it that has not been read yet, it does come back.
        """
        measured = self._engine.measured.get(tp.partition)
        reached, behind = self._consumer.reached(tp), first + len(rows)
        if measured is not None and first <= reached < behind:
            own = rows[reached - first :]
            if measured.live:
                self._advance()
                self._observe([row.arrival for row in own])
            for row in own:
                measured.add(row)
            self._consumer.processed(tp, behind)

    def _advance(self) -> None:
        # What has just happened then counts in the windows at once, and not all of a second's together.
        self._engine.boards.advance(self._engine.clock.now())
        self._changed = True

    async def _count_noted(self, measured: Measured) -> None:
        """Count what was noted if all is read, or if it is too much to keep."""
        if measured.live:
            return
        if self._is_read(measured) or sum(each.noted for each in self._engine.measured.values()) > MAX_NOTED:
            self._changed = True
            await measured.count_noted(self._engine.clock.now())
            if not measured.noted and self._is_read(measured):
                measured.live = True

    def _is_read(self, measured: Measured) -> bool:
        end = self.readiness.end(measured.tp.partition)
        return end is not None and self._consumer.reached(measured.tp) >= end

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
            for measured in engine.measured.values():
                measured.live = False
        for measured in list(engine.measured.values()):
            await self._count_noted(measured)

    async def _look(self, at: float) -> Look:
        engine, offsets, settings = self._engine, self._engine.offsets, self._engine.settings
        # The embedded broker has one worker, and does not describe groups.
        listed = settings.embedded or await offsets.lists(engine.client_id)
        committed = await offsets.committed(engine.events_topic, settings.events_partitions)
        events = await offsets.ends(engine.events_topic, settings.events_partitions)
        items = await offsets.ends(engine.items_topic, settings.items_partitions)
        return Look(at, listed, committed, events, items)

    def _counted(self) -> dict[int, int]:
        """Give up to which offset each partition's summaries are on the boards."""
        partitions = self._engine.measured.items()
        return {number: self._consumer.reached(each.tp) for number, each in partitions if each.live}

    @property
    def fresh_for(self) -> float:
        """Seconds until the next snapshot is due if nobody asks for one: a second; less, to tell that all is true."""
        snapshot = self._engine.published.snapshot
        pause = max(1.0 if snapshot.ready else 0.1, PAUSE * snapshot.seconds)
        return max(0.0, self._published + pause - monotonic())

    async def renew(self) -> None:
        """Swap the snapshot for one that has all that stands in the boards now; not for more than half of the time.

        Whoever asks waits, so that boards of any size leave room for events.
        """
        while self._changed:
            left = self._published + PAUSE_BEFORE_A_SCRAPE * self._engine.published.snapshot.seconds - monotonic()
            if left > 0:
                await asyncio.sleep(left)
            else:
                await self.publish()

    async def publish(self) -> None:
        """Read the boards and swap the snapshot: little by little first, so that few nodes are left to read at once."""
        begun, pauses = monotonic(), CooperativePauses()
        ready = self.readiness.ready(uptime())
        if ready:
            for _ in self._reading.ahead(self._engine.clock.now(), self._shown(ready)):
                await pauses.pause()
        self._swap(begun + pauses.seconds)

    def _swap(self, begun: float) -> None:
        self._changed = False
        engine, now, instant = self._engine, self._engine.clock.now(), uptime()
        counted = self._counted()
        self.readiness.count(counted)
        ready, reasons = self.readiness.ready(instant), self.readiness.reasons(instant, counted)
        nodes = self._reading.read(now, self._shown(ready)) if ready else []
        items = sum(engine.boards.items(partition) for partition in engine.measured)
        until = self.readiness.until(instant) if ready or not reasons else inf
        self._published = monotonic()
        seconds = self._published - begun
        engine.published.snapshot = Snapshot(now, tuple(nodes), tuple(reasons), items, seconds, ready, until)

    def _observe(self, arrivals: Sequence[int]) -> None:
        """Note how fresh what has just come into the boards is: a scrape from now on shows it."""
        now = wall_time()
        for arrival in arrivals:
            # What was derived again was caused by no event, and has none.
            if arrival:
                self._engine.numbers.observe_freshness(max(0, now - arrival) / SECOND)

    def _shown(self, ready: frozenset[int]) -> Callable[[Node], bool] | None:
        """Give a test for the nodes of these partitions; None where they are all."""
        partition = self._engine.derivation.partition
        if len(ready) == self._engine.derivation.partitions:
            return None
        return lambda node: node != PORTFOLIO and partition(node.value_stream) in ready
