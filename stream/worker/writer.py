"""Writes outcomes of batches to Kafka, in groups: all that come during a write go out together in the next one.

So a batch need not wait for the acknowledgement of the last one, and of an item only the last summary is written.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stream.clock import wall_time
from stream.items.outcome import MILLISECOND, Outcome, SummaryRow
from stream.kafka.outbox import Row
from stream.kafka.places import TP
from stream.worker.clients import RowStore
from stream.worker.engine import Engine
from stream.worker.fatal import stop_unacknowledged
from stream.worker.letters import dead_letters
from stream.worker.measure import Measure


@dataclass
class PendingWrite:
    """The outcome of a batch of a partition, and what to call once it is durable."""

    partition: int
    outcome: Outcome
    durable: Callable[[], None]


class Writer:
    """Writes in groups. If Kafka does not acknowledge one, the process ends."""

    def __init__(self, engine: Engine, store: RowStore, measure: Measure) -> None:
        self._engine = engine
        self._store = store
        self._measure = measure
        self._waiting: list[PendingWrite] = []
        self._writing: asyncio.Task[None] | None = None

    def put(self, write: PendingWrite) -> None:
        """Hand over an outcome."""
        self._waiting.append(write)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def flush(self) -> None:
        """Return when everything that was handed over is durable."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write(group)
                for each in group:
                    each.durable()
            self._writing = None
        except Exception as error:
            stop_unacknowledged(error)

    async def _write(self, group: Sequence[PendingWrite]) -> None:
        engine, outbox = self._engine, self._engine.outbox
        rows, summaries = self._rows(group), self._summaries(group)
        outputs = {tp: _as_rows(part) for tp, part in summaries.items()} | self._others(group)
        if engine.derivation.partitions == 1:
            # With one partition a row need not remember where its summary is sent, so both are written together.
            written = await outbox.write(rows | outputs)
        else:
            written = await outbox.write(rows)
            written |= await outbox.write(outputs)
        for tp, place in written.items():
            if tp.topic == engine.topics.histories:
                self._store.set_persisted_offset(tp, place.last)
            elif tp in summaries and place.holds(len(summaries[tp])):
                # If records of others are between them, they must be read to know the order.
                self._measure.written(tp, place.first, summaries[tp])

    def _rows(self, group: Sequence[PendingWrite]) -> dict[TP, list[Row]]:
        newest: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        for each in group:
            newest[each.partition].update(each.outcome.rows)
        topic = self._engine.topics.histories
        return {TP(topic, partition): [Row(*row) for row in rows.items()] for partition, rows in newest.items()}

    def _summaries(self, group: Sequence[PendingWrite]) -> dict[TP, list[SummaryRow]]:
        newest: dict[int, dict[bytes, SummaryRow]] = defaultdict(dict)
        for each in group:
            for row in each.outcome.summaries:
                newest[row.partition][row.key] = row
        return {TP(self._engine.topics.items, partition): list(rows.values()) for partition, rows in newest.items()}

    def _others(self, group: Sequence[PendingWrite]) -> dict[TP, list[Row]]:
        """Give the dead letters, and the events that go to the partition of their key."""
        events, found = self._engine.topics.events, defaultdict[TP, list[Row]](list)
        for each in group:
            for refusal in each.outcome.refusals:
                found[TP(self._engine.topics.dead_letters, 0)] += dead_letters(refusal, events, each.partition)
            for record, home in each.outcome.reroutes:
                found[TP(events, home)].append(Row(record.key, record.value, None, record.headers))
        return found


def _as_rows(summaries: Sequence[SummaryRow]) -> list[Row]:
    # A broker whose clock was ahead for a while refuses the timestamps that it gave then.
    now = wall_time()
    return [Row(row.key, row.value, min(row.arrival, now) // MILLISECOND) for row in summaries]
