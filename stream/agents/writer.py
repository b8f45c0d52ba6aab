"""What batches came to goes into Kafka in groups: what comes while one is written goes out together, as the next.

So a batch is not held up by the acknowledgement of the last, and of what several batches made of an item only the last
is written. What was acknowledged is then counted here at once, in the order in which it was handed over.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from faust.types import TP

from stream.agents.engine import Engine
from stream.agents.fatal import stop_unacknowledged
from stream.agents.letters import dead_letter
from stream.agents.measure import Measure
from stream.items.tracker import MILLISECOND, Outcome
from stream.kafka.outbox import Row, Written
from stream.kafka.table import RowStore


class Taken(NamedTuple):
    """What a batch of a partition came to, and what is to be done once it is durable."""

    partition: int
    outcome: Outcome
    durable: Callable[[], None]


class Writer:
    """Writes in groups; where Kafka does not acknowledge one, the process ends."""

    def __init__(self, engine: Engine, store: RowStore, measure: Measure) -> None:
        self._engine = engine
        self._store = store
        self._measure = measure
        self._waiting: list[Taken] = []
        self._writing: asyncio.Task[None] | None = None

    def put(self, taken: Taken) -> None:
        """Hand over what a batch came to."""
        self._waiting.append(taken)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def flush(self) -> None:
        """Return when all that was handed over is durable."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write(group)
                for taken in group:
                    taken.durable()
            self._writing = None
        except Exception as error:
            stop_unacknowledged(error)

    async def _write(self, group: Sequence[Taken]) -> None:
        engine, outbox = self._engine, self._engine.outbox
        rows, outputs = self._rows(group), self._outputs(group)
        if engine.derivation.partitions == 1:
            # A row need not remember where its summary is sent, so that neither waits for the other.
            written = await outbox.write(rows | outputs)
        else:
            written = await outbox.write(rows)
            written |= await outbox.write(outputs)
        for tp, place in written.items():
            self._count(tp, place, outputs)

    def _count(self, tp: TP, place: Written, outputs: dict[TP, list[Row]]) -> None:
        if tp.topic == self._engine.histories_topic:
            self._store.set_persisted_offset(tp, place.last)
        elif tp.topic == self._engine.items_topic and place.last - place.first + 1 == len(outputs[tp]):
            # Where rows of others have come between, the topic has to tell the order.
            self._measure.written(tp, place.first, outputs[tp])

    def _rows(self, group: Sequence[Taken]) -> dict[TP, list[Row]]:
        newest: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        for partition, outcome, _ in group:
            newest[partition].update(outcome.rows)
        topic = self._engine.histories_topic
        return {TP(topic, partition): [Row(*row) for row in rows.items()] for partition, rows in newest.items()}

    def _outputs(self, group: Sequence[Taken]) -> dict[TP, list[Row]]:
        engine = self._engine
        newest: dict[int, dict[bytes, Row]] = defaultdict(dict)
        letters: list[Row] = []
        for partition, outcome, _ in group:
            for sent in outcome.summaries:
                newest[sent.partition][sent.key] = Row(sent.key, sent.value, sent.arrival // MILLISECOND or None)
            letters += [dead_letter(refusal, engine.events_topic, partition) for refusal in outcome.refusals]
        outputs = {TP(engine.items_topic, partition): list(rows.values()) for partition, rows in newest.items()}
        return outputs | {TP(engine.dead_letters_topic, 0): letters}
