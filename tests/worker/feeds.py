"""A log in memory, and a feed with the published snapshot that it reads."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from stream.flow.report import NodeNumbers
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.snapshot import Published, Snapshot
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.read_results import Latest
from stream.worker.feed import Feed
from stream.worker.feed_memory import FeedMemory
from stream.worker.unreadable import Unreadable
from tests.flow.material import FLOW, configured
from tests.worker.nodes import AT

PARTITIONS = {"Payments": 0, "Lending": 1}
WITHOUT_LIMITS = re.sub(r",? ?load_limit: \d+", "", FLOW)


class Log:
    """The two topics. `before` and `after` are awaited around a write, `arriving` between a read and its answer."""

    def __init__(self) -> None:
        self.records: dict[TP, list[tuple[bytes, bytes | None]]] = defaultdict(list)
        self.reads: list[dict[TP, int]] = []
        self.before: Callable[[], Awaitable[None]] = nothing
        self.after: Callable[[], Awaitable[None]] = nothing
        self.arriving: Callable[[], Awaitable[None]] = nothing

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        await self.before()
        ends = {tp: len(self.records[tp]) for tp in rows}
        for tp, part in rows.items():
            self.records[tp] += [(row.key or b"", row.value) for row in part]
        await self.after()
        return {tp: Written(ends[tp], len(self.records[tp]) - 1) for tp, part in rows.items() if part}

    async def latest(self, _brokers: Sequence[str], starts: Mapping[TP, int]) -> dict[TP, Latest]:
        self.reads.append(dict(starts))
        found = {tp: Latest(dict(self.records[tp][start:]), len(self.records[tp])) for tp, start in starts.items()}
        for tp, read in found.items():
            read.offsets.update({key: offset for offset, (key, _) in enumerate(self.records[tp])})
        await self.arriving()
        return found

    def of(self, topic: str) -> list[tuple[tuple[str, ...], Any]]:
        """Return the decoded records of a topic, by partition."""
        found = [row for tp, rows in sorted(self.records.items()) if tp.topic == topic for row in rows]
        return [(tuple(json.loads(key)), None if value is None else json.loads(value)) for key, value in found]

    def notices(self) -> list[str | None]:
        """Return the notices of limits and targets, in order."""
        return [None if value is None else value["type"].split(".")[-1] for _, value in self.of("alerts")]


async def nothing() -> None:
    pass


class Worker:
    """A feed and the published snapshot that it reads."""

    def __init__(self, log: Log, partitions: int = 1, flow: str = WITHOUT_LIMITS) -> None:
        self.published, self.numbers = Published(), EngineNumbers()
        self._engine = SimpleNamespace(
            settings=SimpleNamespace(brokers=()),
            config=configured(flow),
            derivation=SimpleNamespace(partitions=partitions, partition=lambda stream: PARTITIONS[stream] % partitions),
            published=self.published,
            unreadable=Unreadable(self.numbers),
            # Tests replace what it calls.
            read_latest=lambda brokers, starts: log.latest(brokers, starts),  # noqa: PLW0108
            topics=SimpleNamespace(metrics="metrics", alerts="alerts"),
            feed_outbox=log,
            measured={},
            assignment=0,
            revoked=True,
        )
        self.feed = Feed(self._engine)

    def assign(self, *partitions: int) -> None:
        """Assign partitions to it."""
        engine, had = self._engine, self._engine.measured
        engine.assignment, engine.revoked = engine.assignment + 1, False
        engine.measured = {each: had.get(each) or SimpleNamespace(feed_memory=FeedMemory()) for each in partitions}
        self.feed.assign()

    async def revoke(self) -> None:
        """Revoke its partitions: it writes nothing until the next assignment."""
        self._engine.assignment, self._engine.revoked = self._engine.assignment + 1, True
        await self.feed.revoke()

    async def take(self, *partitions: int) -> Worker:
        """Assign partitions, and read them back."""
        self.assign(*partitions)
        await self.feed.publish()
        return self

    async def show(self, *nodes: NodeNumbers, at: int = AT, ready: Sequence[int] = (0, 1)) -> None:
        """Publish a snapshot, and let the feed write."""
        self.published.snapshot = Snapshot(at, nodes, (), partitions=frozenset(ready))
        await self.feed.publish()
