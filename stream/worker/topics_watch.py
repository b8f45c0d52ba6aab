"""Watches whether the topics are still those that this worker has read.

Histories are derived from events, and summaries from histories. If a topic was deleted, created again or cut, neither
offsets nor records show it. Kafka's topic ids and first offsets do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from stream.errors import KafkaError
from stream.kafka.generations import Described, generation
from stream.kafka.offsets import Folded
from stream.kafka.topics import topics
from stream.settings import Settings
from stream.worker.engine import Engine


class TopicsWatch:
    """Knows the topics as they were when the worker started, and compares them with what they are now."""

    def __init__(self, engine: Engine, ask: Callable[[Settings, list[str]], Mapping[str, Described | None]]) -> None:
        self._ask = ask
        self._engine = engine
        self._partitions = {topic.name: topic.partitions for topic in topics(engine.settings)}
        self._ids: Mapping[str, str] = {}
        self._generations: Mapping[str, str] = {}
        self._suspected = False

    async def begin(self) -> None:
        """Note the topics as they are. Raises KafkaError if the committed offsets were made with other histories."""
        engine = self._engine
        if engine.settings.embedded:
            return
        found = {name: topic for name, topic in (await self._describe()).items() if topic is not None}
        if missing := self._partitions.keys() - found:
            raise KafkaError(f"topic {min(missing)!r} is missing. Create it: flowgauge topics apply")
        self._ids = {name: topic.id for name, topic in found.items()}
        self._generations = await self._ask_generations(found)
        generations = self._generations
        engine.folded = Folded(generation(found[engine.topics.events], {}), generations[engine.topics.histories])
        engine.offsets.events_generation = engine.folded.events
        engine.derivation = engine.derivation.into(generations[engine.topics.items])
        await self._refuse_lost_histories()

    async def look(self) -> str:
        """Say what has changed so that numbers cannot be trusted; the empty text if nothing has.

        Raises KafkaError if a topic was deleted, created again or cut, and this is seen a second time: a worker that
        starts derives what is missing.
        """
        if self._engine.settings.embedded:
            return ""
        found = await self._describe()
        counts = self._other_partitions(found)
        if counts:
            return counts
        lost = await self._lost(found)
        if lost and self._suspected:
            raise KafkaError(f"{lost}. Start the worker again: it then derives what is missing")
        self._suspected = bool(lost)
        return lost

    async def _describe(self) -> Mapping[str, Described | None]:
        return await asyncio.to_thread(self._ask, self._engine.settings, sorted(self._partitions))

    async def _ask_generations(self, found: Mapping[str, Described]) -> dict[str, str]:
        names, offsets = (self._engine.topics.items, self._engine.topics.histories), self._engine.offsets
        return {name: generation(found[name], await offsets.beginnings(name, found[name].partitions)) for name in names}

    def _other_partitions(self, found: Mapping[str, Described | None]) -> str:
        names = self._engine.topics
        for name, wanted in self._partitions.items():
            topic = found[name]
            if topic is not None and topic.partitions != wanted:
                text = f"topic {name!r} has {topic.partitions} partitions, and this worker reads {wanted}"
                if name in {names.events, names.histories}:
                    fix = f"flowgauge topics repartition --to {topic.partitions}, or --to {wanted} to go back"
                    return f"{text}. Stop all workers, then: {fix}"
                return f"{text}. See flowgauge topics diff"
        return ""

    async def _lost(self, found: Mapping[str, Described | None]) -> str:
        there: dict[str, Described] = {}
        for name, topic in found.items():
            if topic is None:
                return f"topic {name!r} was deleted"
            if topic.id != self._ids[name]:
                return f"topic {name!r} was deleted and created again"
            there[name] = topic
        now = await self._ask_generations(there)
        cut = [name for name, known in self._generations.items() if now[name] != known]
        return f"records of topic {cut[0]!r} were deleted" if cut else ""

    async def _refuse_lost_histories(self) -> None:
        """Refuse to start if events were folded into histories that are gone: numbers would be too small."""
        engine, settings = self._engine, self._engine.settings
        events, histories = engine.topics.events, engine.topics.histories
        committed = await engine.offsets.committed(events, settings.events_partitions)
        known = {one.folded.histories for one in committed.values() if one.offset} - {"", engine.folded.histories}
        if known:
            reset = f"kafka-consumer-groups.sh --bootstrap-server {settings.brokers[0]} --group {settings.group}"
            raise KafkaError(
                f"topic {histories!r} was deleted, created again or cut after events were folded into it, so items "
                f"are missing. Restore it. Or begin again with what {events!r} still has: stop all workers, "
                f"{reset} --topic {events} --reset-offsets --to-earliest --execute, start them, import older logs"
            )
