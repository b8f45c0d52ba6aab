"""`measure`: summaries become boards, and boards a snapshot.

`flow.items` is the changelog of the boards, since it is compacted and its summaries are absolute. A worker that is
assigned a partition reads it from its beginning, so it needs no second changelog and no offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from stream.clock import uptime, wall_time
from stream.errors import KafkaError
from stream.events.event import SECOND
from stream.flow.nodes import Node
from stream.flow.report import Reading
from stream.gauges.snapshot import Snapshot
from stream.items.outcome import MILLISECOND, SummaryRow
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker.clients import Streams
from stream.worker.engine import Engine
from stream.worker.measured import Measured
from stream.worker.pauses import CooperativePauses
from stream.worker.readiness import Look, Readiness
from stream.worker.unreadable import RecordPlace

# Keys of records that cannot be read.
MAX_OVERWRITTEN = 10_000
MAX_NOTED = 1_000_000
# How long the boards rest, as a multiple of the time that reading them took: before a scrape, and otherwise.
PAUSE_BEFORE_A_SCRAPE, PAUSE = 1, 9
# Seconds. A look that takes longer is given up.
LOOK_DEADLINE = 10.0
logger = logging.getLogger(__name__)


class Measure:
    """The boards of the partitions of `flow.items` that this worker has, and when they are true."""

    def __init__(self, engine: Engine, consumer: Streams) -> None:
        self._engine = engine
        self._consumer = consumer
        self.readiness = Readiness(engine.derivation.name)
        self._reading = Reading(engine.config, engine.boards)
        self._changed = True
        self._published = 0.0

    def assign(self, partitions: set[int]) -> None:
        """Begin with new partitions, and end with those that are assigned to other workers: their series are gone."""
        engine, measured = self._engine, self._engine.measured
        for number in set(measured) - partitions:
            measured.pop(number).finish()
        for number in partitions - set(measured):
            tp = TP(engine.topics.items, number)
            measured[number] = Measured(tp, engine.boards, engine.derivation.name, self._note_unreadable)
        # At once: otherwise the next snapshot could show the nodes that are gone as zeros.
        self.readiness.assign([each.shown for each in measured.values()])
        self._swap(monotonic())

    def _note_unreadable(self, place: RecordPlace, error: ValueError) -> None:
        self._engine.unreadable.note(place, error)
        if place.key is not None and len(self._engine.overwritten) < MAX_OVERWRITTEN:
            self._engine.overwritten.add(place.key)

    async def batch(self, tp: TP, polled: Polled) -> None:
        """Count a batch of summaries that was read from Kafka."""
        measured = self._engine.measured.get(tp.partition)
        if measured is None:
            return
        if not self._consumer.follows(tp, polled):
            await self._consumer.read_again(tp)
            return
        # Summaries that this worker wrote are counted already. A poll that crossed a seek may also bring older ones
        # again, without those that came after them.
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
        # This is last, since the partition may move away meanwhile.
        await self._count_noted(measured)

    def written(self, tp: TP, first: int, rows: Sequence[SummaryRow]) -> None:
        """Count summaries that this worker has written from offset `first` on.

        If records of others before them are not read yet, all of them are counted when they are read.
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
        # Events of this moment then are in the windows at once.
        self._engine.boards.advance(self._engine.clock.now())
        self._changed = True

    async def _count_noted(self, measured: Measured) -> None:
        """Count what was noted if the partition is read to its end, or if it is too much to keep."""
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
        """Ask Kafka for a look, and count what has become complete by it."""
        engine, at = self._engine, uptime()
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                look = await self._look(at)
        except (KafkaError, TimeoutError) as error:
            # The numbers stay until their lease is over.
            logger.warning("Kafka does not give the offsets of the group: %s", str(error) or "no answer in time")
            engine.offsets.hang_up()
            return
        engine.committed = look.committed
        if not self.readiness.see(look):
            # All summaries are written again. Many are counted at once if they are noted first.
            for measured in engine.measured.values():
                measured.live = False
        for measured in list(engine.measured.values()):
            await self._count_noted(measured)

    async def _look(self, at: float) -> Look:
        engine, offsets, settings = self._engine, self._engine.offsets, self._engine.settings
        # The embedded broker has one worker only, and cannot describe groups.
        listed = settings.embedded or await offsets.lists(engine.client_id)
        committed = await offsets.committed(engine.topics.events, settings.events_partitions)
        events = await offsets.ends(engine.topics.events, settings.events_partitions)
        items = await offsets.ends(engine.topics.items, settings.items_partitions)
        return Look(at, listed, committed, events, items, engine.clock.fold_until())

    def _reached(self) -> dict[int, int]:
        """Give the offset up to which the summaries of each partition are on the boards, or noted."""
        return {number: self._consumer.reached(each.tp) for number, each in self._engine.measured.items()}

    @property
    def fresh_for(self) -> float:
        """Seconds until the next snapshot without a scrape: one, or less while the worker is not ready."""
        snapshot = self._engine.published.snapshot
        pause = max(1.0 if snapshot.ready else 0.1, PAUSE * snapshot.seconds)
        return max(0.0, self._published + pause - monotonic())

    async def renew(self) -> None:
        """Publish a snapshot that has everything on the boards, in at most half of the time.

        The scrape that asks for it waits, so boards of any size leave time for events.
        """
        while self._changed:
            left = self._published + PAUSE_BEFORE_A_SCRAPE * self._engine.published.snapshot.seconds - monotonic()
            if left > 0:
                await asyncio.sleep(left)
            else:
                await self.publish()

    async def publish(self) -> None:
        """Read the boards, with pauses, and publish a snapshot. Few nodes are then left to be read at one instant."""
        begun, pauses = monotonic(), CooperativePauses()
        ready = self.readiness.ready(uptime())
        if ready:
            for _ in self._reading.ahead(self._engine.clock.now(), self._shown(ready)):
                await pauses.pause()
        self._swap(begun + pauses.seconds)

    def _swap(self, begun: float) -> None:
        self._changed = False
        engine, now, instant = self._engine, self._engine.clock.now(), uptime()
        reached = self._reached()
        self.readiness.count({number: offset for number, offset in reached.items() if engine.measured[number].live})
        ready, reasons = self.readiness.ready(instant), self.readiness.reasons(instant, reached)
        nodes = self._reading.read(now, self._shown(ready)) if ready else []
        items = sum(engine.boards.items(partition) for partition in engine.measured)
        until = self.readiness.until(instant) if ready or not reasons else inf
        self._published = monotonic()
        seconds = self._published - begun
        unplaced: Counter[tuple[str, str]] = Counter()
        for (source, item_type), count in engine.boards.unplaced(ready).items():
            unplaced[engine.numbers.label(source), item_type] += count
        periods = engine.boards.open.names if ready else {}
        engine.published.snapshot = Snapshot(
            now, tuple(nodes), tuple(reasons), items, seconds, ready, until, periods, unplaced
        )

    def _observe(self, arrivals: Sequence[int]) -> None:
        """Note the freshness of events whose summaries were just counted."""
        now = wall_time()
        for arrival in arrivals:
            # 0 means that no event caused it.
            if arrival:
                self._engine.numbers.observe_freshness(max(0, now - arrival) / SECOND)

    def _shown(self, ready: frozenset[int]) -> Callable[[Node], bool] | None:
        """Give a filter for the nodes of these partitions; None if these are all."""
        partition = self._engine.derivation.partition
        if len(ready) == self._engine.derivation.partitions:
            return None
        return lambda node: not node.is_everything and partition(node.value_stream) in ready
