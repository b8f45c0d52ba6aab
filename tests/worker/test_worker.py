"""A whole worker without Kafka: assignments, kills, late acknowledgements and the end, in milliseconds."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from stream.config.loading import load_config
from stream.errors import KafkaError
from stream.events.partition import partition_of
from stream.events.time import format_time
from stream.kafka.generations import Described
from stream.kafka.offsets import Committed, read_metadata
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.read_results import Latest, Polled
from stream.settings import Settings
from stream.worker.worker import Worker
from tests.tools.ports import free_port
from tests.worker.fakes import CARDS, FLOW_YAML, FakeDelivery, FakeRows, FakeStreams, clients

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
EVENTS, ITEMS, HISTORIES = "flow.events", "flow.items", "flow.histories"
ALL = {0, 1, 2, 3}


@dataclass
class Record:
    """A record as Kafka's client gives it."""

    offset: int
    key: bytes
    value: bytes | None
    timestamp: int = NOW // 1_000
    headers: Sequence[tuple[str, bytes]] = ()


class Kafka:
    """Topics, offsets and the consumer group in memory. While `held` is set, no write is acknowledged."""

    def __init__(self) -> None:
        self.topics: dict[TP, list[Record]] = defaultdict(list)
        self.offsets: dict[TP, tuple[int, str]] = {}
        self.members = {"test"}
        self.answers = True
        self.held: asyncio.Event | None = None
        self.ids: dict[str, str] = defaultdict(lambda: "first")

    def produce(self, *records: tuple[str, str]) -> None:
        """Write an event for each item and state."""
        for number, (item, state) in enumerate(records):
            key = item.encode()
            tp = TP(EVENTS, partition_of(key, len(ALL)))
            place = len(self.topics[tp])
            body = {
                "specversion": "1.0",
                "id": f"{item}-{place}-{number}",
                "source": "jira/acme",
                "type": "flow.item.changed",
                "time": format_time(NOW - 1_000 * SECOND + place),
                "data": {"item": item, "state": state, "project": "PAY", "component": "cards"},
            }
            self.topics[tp].append(Record(place, key, json.dumps(body).encode()))

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        if self.held is not None:
            await self.held.wait()
        written = {}
        for tp, part in ((tp, part) for tp, part in rows.items() if part):
            first = len(self.topics[tp])
            self.topics[tp] += [
                Record(first + number, row.key or b"", row.value, row.timestamp or 0) for number, row in enumerate(part)
            ]
            written[tp] = Written(first, len(self.topics[tp]) - 1)
        return written

    async def lists(self, client_id: str) -> bool:
        self._answer()
        return client_id in self.members

    async def committed(self, topic: str, partitions: int) -> dict[int, Committed]:
        self._answer()
        found = {number: self.offsets.get(TP(topic, number)) for number in range(partitions)}
        return {number: read_metadata(*one) for number, one in found.items() if one is not None}

    def hang_up(self) -> None:
        """It has no connections."""

    async def ends(self, topic: str, partitions: int) -> dict[int, int]:
        self._answer()
        return {number: len(self.topics[TP(topic, number)]) for number in range(partitions)}

    async def beginnings(self, _: str, partitions: int) -> dict[int, int]:
        self._answer()
        return dict.fromkeys(range(partitions), 0)

    def describe(self, settings: Settings, names: list[str]) -> dict[str, Described]:
        counts = {settings.topic(name): len(ALL) for name in ("events", "histories")}
        return {name: Described(self.ids[name], counts.get(name, 1)) for name in names}

    async def latest(self, _: Sequence[str], starts: Mapping[TP, int]) -> dict[TP, Latest]:
        return {
            tp: Latest({each.key: each.value for each in self.topics[tp][start:]}, len(self.topics[tp]))
            for tp, start in starts.items()
        }

    def rows(self, partition: int) -> dict[bytes, bytes]:
        """Return the records that a recovery would read."""
        newest = {record.key: record.value for record in self.topics[TP(HISTORIES, partition)]}
        return {key: value for key, value in newest.items() if value is not None}

    def _answer(self) -> None:
        if not self.answers:
            raise KafkaError("no answer")


class Streams(FakeStreams):
    """Streams that commit to a Kafka in memory."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__()
        self._kafka = kafka

    async def force_commit(self) -> bool:
        for tp, progress in self.progress.items():
            pending = progress.take_pending()
            if pending is not None:
                self._kafka.offsets[tp] = pending
        return True


@dataclass
class House:
    """A worker and its outside. A second one on the same Kafka is the worker after a kill."""

    kafka: Kafka
    streams: Streams
    rows: FakeRows
    worker: Worker
    deliveries: list[FakeDelivery] = field(default_factory=list)

    @classmethod
    async def on(cls, kafka: Kafka) -> House:
        streams, rows = Streams(kafka), FakeRows()
        outside: dict[str, Any] = {
            "streams": streams, "rows": rows, "outbox": kafka, "feed_outbox": kafka, "offsets": kafka,
            "read_latest": kafka.latest, "describe": kafka.describe,
        }  # fmt: skip
        settings = Settings.from_env(
            {"FLOW_CONFIG": str(FLOW_YAML), "FLOW_WEB_PORT": str(free_port()), "FLOW_CLOCK": format_time(NOW)}
        )
        made = cls(kafka, streams, rows, Worker(settings, load_config(FLOW_YAML), clients(**outside)))
        await made.worker.start()
        return made

    async def assign(self, events: set[int] = ALL, items: frozenset[int] = frozenset({0})) -> None:
        """Assign partitions to the worker, and recover their rows."""
        await self.worker.revoke()
        kept = {TP(EVENTS, number) for number in events} | {TP(ITEMS, number) for number in items}
        self.streams.progress = {tp: progress for tp, progress in self.streams.progress.items() if tp in kept}
        await self.worker.assign(events, set(items))
        for partition in events:
            self.rows.partitions[partition] = self.kafka.rows(partition)
        for partition in events:
            tp = TP(EVENTS, partition)
            self.streams.of(tp).begin(self.kafka.offsets.get(tp, (0, ""))[0])
        await self.worker.recovered(events)

    async def read(self, events: set[int] = ALL) -> None:
        """Deliver the topics' records after those that were processed."""
        for tp in [TP(EVENTS, partition) for partition in events]:
            await self._hand(tp, lambda tp, polled: self.worker.take_events(self._delivery(), tp, polled))
        await self._hand(TP(ITEMS, 0), self.worker.take_summaries)

    async def _hand(self, tp: TP, take: Callable[[TP, Polled], Awaitable[None]]) -> None:
        begin = self.streams.reached(tp)
        records = self.kafka.topics[tp][begin:]
        if records:
            await take(tp, Polled(begin, records))

    def _delivery(self) -> FakeDelivery:
        self.deliveries.append(FakeDelivery())
        return self.deliveries[-1]

    async def tick(self, times: int = 3) -> None:
        """Call every timer this many times, as Faust does."""
        for _ in range(times):
            for timer in self.worker.timers:
                if timer.name not in {"topics", "sweep"}:
                    await timer.call()
            await asyncio.sleep(0)
        await self.worker.measure.publish()

    @property
    def load(self) -> int | None:
        """Return how many items of team Cards are in progress; None if that is not shown."""
        nodes = self.worker.engine.published.snapshot.nodes
        return next((each.load for each in nodes if each.node == CARDS), None)

    @property
    def why(self) -> list[str]:
        return [reason for reason, _ in self.worker.engine.published.snapshot.reasons]


def play(scenario: Callable[[Kafka], Awaitable[None]]) -> None:
    asyncio.run(scenario(Kafka()))


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No freeze guard: its thread would outlive the test."""
    monkeypatch.setattr("stream.worker.freeze_guard.FreezeGuard.start", lambda _: None)


def test_a_worker_is_ready_once_all_is_folded_and_shown() -> None:
    async def scenario(kafka: Kafka) -> None:
        kafka.produce(*((str(item), "In Progress") for item in range(20)))
        house = await House.on(kafka)
        assert (house.load, house.why) == (None, ["starting"])
        await house.assign()
        await house.tick()
        assert (house.load, house.why) == (None, ["backlog"])
        await house.read()
        await house.tick()
        assert (house.load, house.why) == (20, [])
        assert all(delivery.acked for delivery in house.deliveries)
        await house.worker.stop()

    play(scenario)


def test_a_late_acknowledgement_completes_nothing_before_it_comes() -> None:
    async def scenario(kafka: Kafka) -> None:
        house = await House.on(kafka)
        await house.assign()
        kafka.produce(("1", "In Progress"))
        kafka.held = asyncio.Event()
        await house.read()
        before = dict(kafka.offsets)
        await house.streams.force_commit()
        assert kafka.offsets == before | {tp: kafka.offsets[tp] for tp in kafka.offsets if kafka.offsets[tp][0] == 0}
        assert not house.deliveries[-1].acked
        kafka.held.set()
        await house.worker.track._writer.flush()
        await house.streams.force_commit()
        assert max(offset for offset, _ in kafka.offsets.values()) == 1
        assert house.deliveries[-1].acked
        await house.worker.stop()

    play(scenario)


def test_what_a_killed_worker_had_begun_is_done_again_by_the_next() -> None:
    async def scenario(kafka: Kafka) -> None:
        killed = await House.on(kafka)
        await killed.assign()
        kafka.produce(*((str(item), "In Progress") for item in range(9)))
        await killed.read()
        await killed.worker.track._writer.flush()
        # Written, but not committed.
        await killed.worker.stop()
        kafka.produce(("3", "Done"))
        house = await House.on(kafka)
        await house.assign()
        await house.read()
        await house.tick()
        assert (house.load, house.why) == (8, [])
        assert house.worker.engine.numbers.events["jira/acme", "duplicate"] == 9
        await house.worker.stop()

    play(scenario)


def test_partitions_that_move_away_take_their_numbers_with_them() -> None:
    async def scenario(kafka: Kafka) -> None:
        kafka.produce(*((str(item), "In Progress") for item in range(20)))
        house = await House.on(kafka)
        await house.assign()
        await house.read()
        await house.tick()
        assert house.load == 20
        await house.assign({0, 1}, frozenset())
        assert (house.load, house.worker.engine.boards.items(0)) == (None, 0)
        await house.tick()
        assert house.why == []
        await house.assign()
        assert house.load is None
        await house.read()
        await house.tick()
        assert house.load == 20
        await house.worker.stop()

    play(scenario)


def test_without_an_answer_nothing_is_shown_after_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    for module in ("worker.measure", "gauges.snapshot"):
        monkeypatch.setattr(f"stream.{module}.uptime", lambda: now[0])
    monkeypatch.setattr("stream.gauges.snapshot.Published.__init__.__defaults__", (lambda: now[0],))

    async def scenario(kafka: Kafka) -> None:
        kafka.produce(("1", "In Progress"))
        house = await House.on(kafka)
        await house.assign()
        await house.read()
        await house.tick()
        assert house.load == 1
        kafka.answers = False
        now[0] += 29
        await house.tick(1)
        assert house.load == 1
        now[0] += 2
        assert (house.load, house.why) == (None, ["cut_off"])
        await house.tick(1)
        assert (house.load, house.why) == (None, ["cut_off"])
        kafka.answers = True
        kafka.members.clear()
        await house.tick()
        assert (house.load, house.why[0]) == (None, "cut_off")
        kafka.members.add("test")
        await house.tick()
        assert (house.load, house.why) == (1, [])
        await house.worker.stop()

    play(scenario)


def test_a_topic_that_was_made_again_withdraws_the_numbers_and_ends_the_worker_at_the_second_look() -> None:
    async def scenario(kafka: Kafka) -> None:
        kafka.produce(("1", "In Progress"))
        house = await House.on(kafka)
        await house.assign()
        await house.read()
        await house.tick()
        look = next(timer for timer in house.worker.timers if timer.name == "topics")
        await look.call()
        assert house.load == 1
        kafka.ids[ITEMS] = "second"
        await look.call()
        await house.worker.measure.publish()
        assert (house.load, house.why) == (None, ["topics_changed"])
        with pytest.raises(KafkaError, match="'flow.items' was deleted and created again"):
            await look.call()
        await house.worker.stop()

    play(scenario)


def test_lost_histories_are_refused_and_lost_summaries_derived_again() -> None:
    async def scenario(kafka: Kafka) -> None:
        kafka.produce(*((str(item), "In Progress") for item in range(5)))
        first = await House.on(kafka)
        await first.assign()
        await first.read()
        await first.tick()
        await first.worker.stop()
        kafka.topics[TP(ITEMS, 0)].clear()
        kafka.ids[ITEMS] = "second"
        second = await House.on(kafka)
        await second.assign()
        await second.read()
        await second.tick()
        assert second.load == 5
        await second.worker.stop()
        kafka.ids[HISTORIES] = "second"
        with pytest.raises(KafkaError, match="'flow.histories' was deleted"):
            await House.on(kafka)

    play(scenario)


def test_told_to_end_it_shows_nothing_at_once() -> None:
    async def scenario(kafka: Kafka) -> None:
        kafka.produce(("1", "In Progress"))
        house = await House.on(kafka)
        await house.assign()
        await house.read()
        await house.tick()
        assert house.load == 1
        house.worker.engine.ending.begin()
        assert (house.load, house.why) == (None, ["stopping"])
        await house.tick(1)
        assert house.why == ["stopping"]
        await house.worker.revoke()
        await house.worker.stop()

    play(scenario)
