"""`measure`: summaries become boards, boards a snapshot.

`flow.items` is itself the changelog of the boards: compacted, and holding absolute state. So a worker reads
its partitions from their beginning when they come, and needs neither a second changelog nor offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from faust.types import TP
from mode.utils.logging import get_logger

from stream.agents.engine import Engine
from stream.agents.readiness import Awaited, Readiness
from stream.clock import wall
from stream.errors import KafkaError
from stream.flow.boards import PORTFOLIO, Node
from stream.flow.report import Reading, read
from stream.gauges.snapshot import Snapshot
from stream.items.codec import decode_summary
from stream.items.tracker import MILLISECOND
from stream.kafka.transport import Consumer, Polled

SECOND = 1_000_000
logger = get_logger(__name__)


class Measure:
    """The boards of the partitions of `flow.items` that this worker holds, and when they are true."""

    def __init__(self, engine: Engine, consumer: Consumer) -> None:
        self._engine = engine
        self._consumer = consumer
        self.readiness = Readiness(engine.derivation.name)
        self._reading = Reading(engine.config)
        self._held: set[int] = set()
        self._arrivals: list[int] = []
        self._changed = True
        self._published = 0.0

    def keep(self, partitions: set[int]) -> None:
        """Drop the boards of partitions that moved away: they leave no series."""
        for partition in self._held - partitions:
            self._engine.boards.drop(partition)
        self._held = set(partitions)
        # At once: until readiness learns of the assignment a snapshot would show the nodes that are gone as zeros.
        self.readiness.ready &= partitions
        self._changed = True

    def batch(self, tp: TP, polled: Polled) -> None:
        """Put a batch of summaries into the boards."""
        if tp.partition not in self._held or not self._consumer.follows(tp, polled):
            return
        records = polled.records
        boards, name = self._engine.boards, self._engine.derivation.name
        for record in records:
            try:
                summary = None if record.value is None else decode_summary(record.value, name)
            except (ValueError, KeyError, TypeError) as error:
                logger.warning("%s[%s] offset %s is no summary and is passed over: %r", *tp, record.offset, error)
                continue
            if summary is not None or record.value is None:
                boards.put(tp.partition, record.key, summary)
        if tp.partition in self.readiness.ready:
            self._arrivals += [record.timestamp for record in records]
        self._consumer.processed(tp, records[-1].offset + 1)
        self._changed = True

    async def watch(self) -> None:
        """Ask Kafka how far the group has got and with which configuration, and settle what has become true."""
        engine = self._engine
        try:
            count = engine.settings.events_partitions
            engine.committed = await engine.offsets.committed(engine.events_topic, count)
            self.readiness.distrust(engine.committed)
            for partition, awaited in list(self.readiness.awaited.items()):
                if awaited.items is None:
                    await self._await_items(partition, awaited)
        except KafkaError as error:
            # The boards are as true as before; what needs Kafka's answer waits for it.
            logger.warning("%s", error)

    async def _await_items(self, partition: int, awaited: Awaited) -> None:
        engine = self._engine
        if self.readiness.folded(awaited.events, engine.committed):
            ends = await engine.offsets.ends(engine.items_topic, engine.settings.items_partitions)
            awaited.items = ends[partition]

    def _positions(self) -> dict[int, int]:
        topic = self._engine.items_topic
        return {partition: self._consumer.reached(TP(topic, partition)) for partition in self._held}

    def publish(self) -> float:
        """Swap the snapshot if something changed or a second has passed; give the seconds that it took."""
        begun = monotonic()
        if not self._changed and begun - self._published < 1.0:
            return 0.0
        self._changed = False
        arrivals, self._arrivals = self._arrivals, []
        engine, now = self._engine, self._engine.clock.now()
        self.readiness.settle(self._positions())
        reasons = self.readiness.reasons(engine.committed, self._positions())
        nodes = read(engine.boards, self._reading, now, self._is_true) if self.readiness.ready else []
        items = sum(engine.boards.items(partition) for partition in self._held)
        self._published = monotonic()
        took = self._published - begun
        engine.wall.snapshot = Snapshot(now, tuple(nodes), tuple(reasons), items, took)
        self._observe(arrivals)
        return took

    def _observe(self, arrivals: Sequence[int]) -> None:
        shown = wall()
        for arrival in arrivals:
            self._engine.numbers.observe_freshness(max(0, shown - arrival * MILLISECOND) / SECOND)

    def _is_true(self, node: Node) -> bool:
        if node == PORTFOLIO:
            return len(self.readiness.ready) == self._engine.derivation.partitions
        return self._engine.derivation.partition(node.value_stream) in self.readiness.ready
