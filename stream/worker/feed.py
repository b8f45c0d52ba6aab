"""The feed for operations: the numbers of nodes that changed, and each change of a limit or target.

The feed's memory is its two topics. A worker that is assigned a partition reads them before it writes, so a restart or
a rebalance repeats nothing and misses nothing. A record counts as written once Kafka has acknowledged it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from stream.errors import KafkaError
from stream.flow.nodes import load_limits
from stream.flow.report import NodeNumbers
from stream.flow.watch import Change
from stream.gauges.snapshot import Snapshot
from stream.kafka.places import TP
from stream.kafka.read_results import Latest
from stream.worker.engine import Engine
from stream.worker.feed_memory import FeedMemory
from stream.worker.feed_messages import alert, read_alert
from stream.worker.feed_records import News, NodeRecords
from stream.worker.pauses import CooperativePauses
from stream.worker.unreadable import RecordPlace

# One node is about four kilobytes.
NODES_A_WRITE = 500
logger = logging.getLogger(__name__)


class Feed:
    """The feed of the partitions of `flow.items` that this worker holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._limits = load_limits(engine.config)
        self._writing = asyncio.Lock()

    def assign(self) -> None:
        """Note an assignment: what others have written is read before anything is written."""
        for memory in self._memories:
            memory.read_back = False
        self._show_met_since()

    async def revoke(self) -> None:
        """Return when no write is under way. The engine lets none begin until the next assignment."""
        async with self._writing:
            pass

    @property
    def _memories(self) -> list[FeedMemory]:
        return [each.feed_memory for each in self._engine.measured.values()]

    async def publish(self) -> None:
        """Write what has changed in the newest snapshot; call it once a second.

        Raises KafkaError if a write is not acknowledged.
        """
        engine = self._engine
        if engine.revoked:
            return
        if not all(memory.read_back for memory in self._memories):
            await self._read_back()
            return
        async with self._writing:
            snapshot, assignment = engine.published.snapshot, engine.assignment
            for partition, nodes in self._by_partition(snapshot):
                memory = engine.measured[partition].feed_memory
                changes = memory.watch.look(nodes, snapshot.at, self._limits)
                async for news in self._news(memory.nodes, nodes, snapshot.at):
                    if assignment != engine.assignment:
                        return
                    await self._write(partition, memory, changes, news, snapshot.at)
                    changes = []
            self._show_met_since()

    async def _read_back(self) -> None:
        engine, assignment = self._engine, self._engine.assignment
        topics = (engine.topics.metrics, engine.topics.alerts)
        places = {
            TP(topic, number): measured.feed_memory.ends.get(topic, 0)
            for number, measured in engine.measured.items()
            for topic in topics
        }
        try:
            found = await engine.read_latest(engine.settings.brokers, places)
        except KafkaError as error:
            logger.warning("%s", error)
            return
        if assignment == engine.assignment:
            for tp, read in found.items():
                self._restore(tp, read)
            for memory in self._memories:
                memory.read_back = True
            self._show_met_since()

    def _restore(self, tp: TP, read: Latest) -> None:
        memory = self._engine.measured[tp.partition].feed_memory
        memory.ends[tp.topic] = read.end
        for batch in read.refused:
            self._engine.unreadable.note_batch(*tp, batch)
        for key, value in read.values.items():
            try:
                if tp.topic == self._engine.topics.metrics:
                    memory.nodes.restore(key, value)
                else:
                    memory.watch.restore(*read_alert(key, value))
            except (ValueError, KeyError, TypeError) as error:
                self._engine.unreadable.note(RecordPlace(*tp, key, read.offsets.get(key)), repr(error))

    @property
    def _whole(self) -> bool:
        """Whether this worker has all partitions, which the numbers of the portfolio need."""
        return len(self._engine.measured) == self._engine.derivation.partitions

    def _by_partition(self, snapshot: Snapshot) -> list[tuple[int, list[NodeNumbers]]]:
        derivation = self._engine.derivation
        nodes: dict[int, list[NodeNumbers]] = {
            partition: [] for partition in sorted(self._engine.measured.keys() & snapshot.partitions)
        }
        for numbers in snapshot.nodes:
            node = numbers.node
            partition = 0 if node.is_everything else derivation.partition(node.value_stream)
            if not node.own and partition in nodes and (self._whole or not node.is_everything):
                nodes[partition].append(numbers)
        return list(nodes.items())

    async def _news(self, told: NodeRecords, nodes: Sequence[NodeNumbers], at: int) -> AsyncIterator[list[News]]:
        """Yield what has changed in nodes of a partition, in parts that Kafka acknowledges in time."""
        there = {numbers.node for numbers in nodes}
        # While this worker still reads some partitions, the portfolio is not known, but it is not gone.
        known = not self._whole or any(node.is_everything for node in there)
        part = told.gone(there, whole=known)
        pauses = CooperativePauses()
        for one in told.look(nodes, at):
            part.append(one)
            await pauses.pause()
            if len(part) >= NODES_A_WRITE:
                yield part
                part = []
        yield part

    async def _write(
        self, partition: int, memory: FeedMemory, changes: Sequence[Change], news: Sequence[News], at: int
    ) -> None:
        engine = self._engine
        rows = {
            TP(engine.topics.alerts, partition): [alert(change, at) for change in changes],
            TP(engine.topics.metrics, partition): [one.row for one in news if one.row is not None],
        }
        offsets = await engine.feed_outbox.write(rows)
        memory.nodes.sent(news)
        memory.watch.confirm(changes)
        for tp, written in rows.items():
            if tp in offsets and offsets[tp].last == memory.ends[tp.topic] + len(written) - 1:
                memory.ends[tp.topic] += len(written)

    def _show_met_since(self) -> None:
        watches = [memory.watch for memory in self._memories]
        met_since = {name: since for watch in watches for name, since in watch.met_since().items()}
        # An equal dict must stay the same object, since the page keeps what it has written of it.
        if met_since != self._engine.published.met_since:
            self._engine.published.met_since = met_since
