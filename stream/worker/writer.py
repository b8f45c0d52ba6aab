"""What batches came to goes into Kafka in groups: what comes while one is written goes out together, as the next.

So a batch is not held up by the acknowledgement of the last, and of what several batches made of an item only the last
is written. What is shown here is counted at once, in the order in which it is handed over: the events that it comes of
are in Kafka, and where it does not come there itself, the process ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from stream.clock import wall_time
from stream.items.outcome import MILLISECOND, Outcome
from stream.kafka.outbox import Row
from stream.kafka.places import TP
from stream.worker.clients import RowStore
from stream.worker.engine import Engine
from stream.worker.fatal import stop_unacknowledged
from stream.worker.letters import dead_letters
from stream.worker.measure import Measure

# Seconds. A write costs what folding several events does, and seldom does anybody wait for what is shown already.
PAUSE_IF_SHOWN = 0.05


class Taken(NamedTuple):
    """What a batch of a partition came to, and what is to be done once it is durable."""

    partition: int
    outcome: Outcome
    durable: Callable[[], None]


@dataclass(eq=False)
class Handed:
    """What was taken with its summaries by partition, and whether the boards have all of these already."""

    taken: Taken
    summaries: dict[int, list[Row]]
    shown: bool = False


class Writer:
    """Writes in groups; where Kafka does not acknowledge one, the process ends."""

    def __init__(self, engine: Engine, store: RowStore, measure: Measure) -> None:
        self._engine = engine
        self._store = store
        self._measure = measure
        self._waiting: list[Handed] = []
        # What was handed over and is neither shown nor durable: what comes after it must not be shown before.
        self._unshown: list[Handed] = []
        self._writing: asyncio.Task[None] | None = None
        # Set while somebody waits for all to be durable.
        self._awaited = asyncio.Event()

    def put(self, taken: Taken, *, alone: bool) -> None:
        """Hand over what a batch came to; where this worker writes `alone`, what is shown has it at once."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        handed = Handed(taken, _summaries(taken.outcome))
        self._waiting.append(handed)
        self._unshown.append(handed)
        if alone and self._measure.shows({partition for each in self._unshown for partition in each.summaries}):
            self._show()

    def _show(self) -> None:
        for each in self._unshown:
            for partition, rows in each.summaries.items():
                self._measure.show(partition, rows)
            each.shown = True
        self._unshown.clear()

    async def flush(self) -> None:
        """Return when all that was handed over is durable."""
        self._awaited.set()
        try:
            while self._writing is not None:
                await asyncio.shield(self._writing)
        finally:
            self._awaited.clear()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if all(each.shown for each in self._waiting):
                    await self._pause()
                group, self._waiting = self._waiting, []
                await self._write(group)
                written = set(group)
                self._unshown = [each for each in self._unshown if each not in written]
                for each in group:
                    each.taken.durable()
            self._writing = None
        except Exception as error:
            stop_unacknowledged(error)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_IF_SHOWN):
                await self._awaited.wait()

    async def _write(self, group: Sequence[Handed]) -> None:
        engine, outbox = self._engine, self._engine.outbox
        rows, outputs = self._rows(group), self._outputs(group)
        if engine.derivation.partitions == 1:
            # A row need not remember where its summary is sent, so that neither waits for the other.
            written = await outbox.write(rows | outputs)
        else:
            written = await outbox.write(rows)
            written |= await outbox.write(outputs)
        shown = all(each.shown for each in group)
        for tp, place in written.items():
            if tp.topic == engine.histories_topic:
                self._store.set_persisted_offset(tp, place.last)
            elif tp.topic == engine.items_topic and place.holds(len(outputs[tp])):
                # Where rows of others have come between, the topic has to tell the order.
                self._measure.written(tp, place.first, outputs[tp], shown=shown)

    def _rows(self, group: Sequence[Handed]) -> dict[TP, list[Row]]:
        newest: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        for each in group:
            newest[each.taken.partition].update(each.taken.outcome.rows)
        topic = self._engine.histories_topic
        return {TP(topic, partition): [Row(*row) for row in rows.items()] for partition, rows in newest.items()}

    def _outputs(self, group: Sequence[Handed]) -> dict[TP, list[Row]]:
        engine = self._engine
        newest: dict[int, dict[bytes | None, Row]] = defaultdict(dict)
        letters: list[Row] = []
        sent_on: dict[int, list[Row]] = defaultdict(list)
        for each in group:
            for to, rows in each.summaries.items():
                newest[to].update({row.key: row for row in rows})
            partition, refusals = each.taken.partition, each.taken.outcome.refusals
            for refusal in refusals:
                letters += dead_letters(refusal, engine.events_topic, partition)
            for record, home in each.taken.outcome.reroutes:
                sent_on[home].append(Row(record.key, record.value, None, record.headers))
        outputs = {TP(engine.items_topic, partition): list(rows.values()) for partition, rows in newest.items()}
        outputs |= {TP(engine.events_topic, home): events for home, events in sent_on.items()}
        return outputs | {TP(engine.dead_letters_topic, 0): letters}


def _summaries(outcome: Outcome) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    now = wall_time()
    for sent in outcome.summaries:
        # 0 where no event has caused it: a summary that was derived again says nothing of freshness. A broker whose
        # clock was ahead for a while does not take the times that it gave then.
        found[sent.partition].append(Row(sent.key, sent.value, min(sent.arrival, now) // MILLISECOND))
    return found
