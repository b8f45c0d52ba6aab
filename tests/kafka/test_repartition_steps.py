"""A repartition interrupted after any step, while others write anything: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.types import TP

from stream.errors import KafkaError
from stream.events.partition import partition_of
from stream.items.derivation import Derivation
from stream.items.merging import merge_rows
from stream.items.tracker import Batch
from stream.kafka import repartition as module
from stream.kafka.admin import ensure_topics, kafka_admin, plan
from stream.kafka.copying import Copier
from stream.kafka.journal import Move, RepartitionJournal
from stream.kafka.manage import CommittedOffset, Topics, commit, committed
from stream.kafka.offsets import read_metadata, write_metadata
from stream.kafka.outbox import Outbox, Row
from stream.kafka.prepare import prepare
from stream.kafka.reader import Reader
from stream.kafka.repartition import CLOSED_BYTES, Repartition
from stream.settings import Settings
from tests.items.material import NOW, configured
from tests.items.material import event as made
from tests.kafka.broker import Broker

pytestmark = pytest.mark.kafka

CUTS = 2 * int(os.environ.get("SOAK", "1"))
ITEMS = [f"{number}".encode() for number in range(40)]
DERIVATION = Derivation.of(configured())


class Cut(BaseException):
    """Raised at a step after which the process might have been killed."""


def row_of(key: bytes, day: int) -> bytes:
    batch = Batch({}, DERIVATION, NOW)
    batch.add(made(NOW - day * 86_400_000_000, item=key.decode(), state="Doing"), NOW)
    (row,) = batch.close().rows.values()
    assert row is not None
    return row


@dataclass
class Deployed:
    """Topics with events, some of them folded, and histories, some of them doubled or deleted."""

    settings: Settings
    events: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    folded: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    rows: dict[bytes, bytes] = field(default_factory=dict)

    def fill(self) -> None:
        ensure_topics(self.settings)
        events: dict[TP, list[Row]] = defaultdict(list)
        histories: dict[TP, list[Row]] = defaultdict(list)
        for number, key in enumerate(ITEMS):
            home = partition_of(key, 4)
            # Events of a wrong producer, which nobody has rerouted yet, are among the others.
            at = home if number % 5 else (home + 1) % 4
            for step in range(5):
                headers = [("trace", b"\xff"), ("null", None)] if step == 3 else []
                events[TP(self.settings.topic("events"), at)].append(Row(key, b"%d of %b" % (step, key), None, headers))
            versions = [row_of(key, 5), merge_rows([row_of(key, 5), row_of(key, 4)])[0]]
            histories[TP(self.settings.topic("histories"), home)] += [Row(key, row) for row in versions]
            self.rows[key] = versions[-1]
            if not number % 7:
                other = row_of(key, 3)
                histories[TP(self.settings.topic("histories"), (home + 2) % 4)].append(Row(key, other))
                self.rows[key] = merge_rows([versions[-1], other])[0]
        gone = ITEMS[3]
        histories[TP(self.settings.topic("histories"), partition_of(gone, 4))].append(Row(gone, None))
        del self.rows[gone]
        # Refused records have any key, or none.
        events[TP(self.settings.topic("events"), 2)] += [Row(None, b"no key"), Row(b"\xff", None)]
        self.write(events | histories)
        for partition in range(4):
            rows = self.read("events", partition)
            text = write_metadata("x", 7, {"jira": 10 + partition, f"only{partition}": 5}, 4)
            commit(self.settings, self.settings.topic("events"), {partition: CommittedOffset(len(rows) // 2, text)})
            self.folded.update(rows[: len(rows) // 2])
            self.events.update(rows)

    def write(self, rows: dict[TP, list[Row]]) -> None:
        async def run() -> None:
            outbox = Outbox(self.settings.brokers, 30, lambda: None)
            await outbox.start()
            await outbox.write(rows)
            await outbox.stop()

        asyncio.run(run())

    def read(self, name: str, partition: int) -> list[tuple[Any, ...]]:
        """Return a partition's records with their timestamps, in order."""

        async def run() -> list[tuple[Any, ...]]:
            topic = self.settings.topic(name)
            async with Reader(self.settings.brokers) as reader:
                return [
                    (record.key, record.value, record.timestamp, record.headers)
                    async for _, records in reader.read(topic, await reader.spans(topic, [partition]))
                    for record in records
                ]

        return asyncio.run(run())

    def move(self, to: int | None) -> None:
        prepared = prepare(self.settings, to)
        Repartition(self.settings, prepared, lambda *_: None).run()

    def noted(self) -> bool:
        with kafka_admin(self.settings) as admin:
            return RepartitionJournal(self.settings).read(Topics(admin)) is not None

    def check(self, to: int, others: int = 0, *, exactly: bool = True) -> None:
        """Fail unless everything is correct in this many partitions, except for some foreign records.

        Unless `exactly`, some records may be there twice, and fewer of them may count as folded.
        """
        found: Counter[tuple[Any, ...]] = Counter()
        behind: Counter[tuple[Any, ...]] = Counter()
        places = committed(self.settings, self.settings.topic("events"))
        assert sorted(places) == list(range(to))
        for partition, place in places.items():
            records = self.read("events", partition)
            found.update(records)
            behind.update(records[: place.offset])
            known = read_metadata(place.offset, place.metadata)
            assert (known.derivation, known.placed, known.newest_event) == ("", to, 13)
            assert known.newest == {"jira": 13, "only0": 5, "only1": 5, "only2": 5, "only3": 5}
        assert self.events <= found
        if exactly:
            assert found.total() == self.events.total() + others
            assert behind == self.folded
        else:
            assert len(found) == len(self.events) + others
            assert behind <= self.folded
        rows = [(partition, *row[:2]) for partition in range(to) for row in self.read("histories", partition)]
        assert len(rows) == len(self.rows)
        assert {key: row for _, key, row in rows} == self.rows
        assert all(partition == partition_of(key, to) for partition, key, _ in rows)
        expected = Settings.from_env(_environ(self.settings, to))
        assert plan(expected) == []


def _environ(settings: Settings, partitions: int) -> dict[str, str]:
    return {
        "FLOW_KAFKA_BROKERS": ",".join(settings.brokers),
        "FLOW_TOPIC_PREFIX": settings.topic_prefix,
        "FLOW_EVENTS_PARTITIONS": str(partitions),
    }


@pytest.fixture
def deployed(kafka: Broker, topic_prefix: str) -> Deployed:
    environ = {"FLOW_KAFKA_BROKERS": kafka.bootstrap, "FLOW_TOPIC_PREFIX": topic_prefix}
    made = Deployed(Settings.from_env(environ))
    made.fill()
    return made


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """List the calls that change something in Kafka. After `LIMIT[0]` of them, `Cut` is raised."""
    done: list[str] = []

    def counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            answer = function(*arguments, **options)
            done.append(name)
            if len(done) == LIMIT[0]:
                raise Cut(name)
            return answer

        async def step_async(*arguments: Any, **options: Any) -> Any:
            answer = await function(*arguments, **options)
            done.append(name)
            if len(done) == LIMIT[0]:
                raise Cut(name)
            return answer

        return step_async if asyncio.iscoroutinefunction(function) else step

    for owner, name in (
        *((Topics, name) for name in ("create", "delete", "add_partitions", "configure")),
        *((RepartitionJournal, name) for name in ("begin", "note", "end")),
        (Outbox, "write"),
        (module, "commit"),
    ):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), name))
    yield done
    LIMIT[0] = 0


LIMIT = [0]


def test_cut_after_any_step_and_run_again(deployed: Deployed, steps: list[str]) -> None:
    chance = random.Random(os.environ.get("SEED", "7"))
    deployed.move(3)
    deployed.check(3)
    count = {3: len(steps)}
    steps.clear()
    deployed.move(8)
    deployed.check(8)
    count[8] = len(steps)
    for to in [to for _ in range(CUTS) for to in (3, 8)]:
        steps.clear()
        LIMIT[0] = chance.randint(1, count[to])
        with pytest.raises(Cut):
            deployed.move(to)
        LIMIT[0] = 0
        # The target is noted, except for interruptions before the first note and after the end.
        deployed.move(None if deployed.noted() else to)
        deployed.check(to)


def test_who_writes_into_the_new_topic_while_it_is_filled(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    back, events = Copier.back, deployed.settings.topic("events")

    async def disturbed(copier: Copier, source: str, target: str, ends: Mapping[int, int]) -> dict[int, int]:
        if target != events:
            return await back(copier, source, target, ends)
        for partition in (0, 1):
            await copier._outbox.write({TP(target, partition): [Row(b"x", b"other %d" % partition)]})
        await back(copier, source, target, {0: ends[0], 2: ends[2]})
        raise Cut

    monkeypatch.setattr(Copier, "back", disturbed)
    with pytest.raises(Cut):
        deployed.move(3)
    monkeypatch.setattr(Copier, "back", back)
    deployed.move(None)
    deployed.check(3, 2, exactly=False)


def test_what_comes_before_producers_are_kept_out_is_moved_as_unread(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, late = Repartition._note_copied, [Row(key, b"late") for key in ITEMS[:3]]

    def noted(self: Repartition, move: Move) -> None:
        note(self, move)
        if late and move is self._state.events:
            deployed.write({TP(move.name, 1): late.copy()})
            late.clear()

    monkeypatch.setattr(module, "_CLOSED", {})
    monkeypatch.setattr(Repartition, "_note_copied", noted)
    deployed.move(3)
    assert not late
    deployed.check(3, 3)


def test_producers_are_kept_out_of_a_topic_that_will_be_deleted(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Repartition, copier: Copier) -> None:
        large = {TP(deployed.settings.topic("events"), 1): [Row(b"1", os.urandom(CLOSED_BYTES))]}
        with pytest.raises(KafkaError, match="MessageSizeTooLarge"):
            await copier._outbox.write(large)
        raise Cut

    copy = Repartition._copy_events
    monkeypatch.setattr(Repartition, "_copy_events", refused)
    with pytest.raises(Cut):
        deployed.move(3)
    monkeypatch.setattr(Repartition, "_copy_events", copy)
    deployed.move(3)
    deployed.check(3)


def test_kafka_itself_refuses_to_begin_while_a_worker_is_there(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployed.settings
    before = committed(settings, settings.topic("events"))
    prepared = prepare(settings, 3)

    async def scenario() -> None:
        member = AIOKafkaConsumer(
            settings.topic("events"),
            bootstrap_servers=settings.brokers[0],
            group_id=settings.group,
            enable_auto_commit=False,
        )
        # It has joined after the check of the group.
        monkeypatch.setattr(module, "members", lambda _: 0)
        await member.start()
        with pytest.raises(KafkaError, match="has members. Stop all workers first"):
            await asyncio.to_thread(Repartition(settings, prepared, lambda *_: None).run)
        await member.stop()

    asyncio.run(scenario())
    assert committed(settings, settings.topic("events")) == before
    assert not deployed.noted()
    deployed.move(3)
    deployed.check(3)


def test_an_open_transaction_is_waited_for_and_what_was_aborted_is_not_moved(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRANSACTION_SECONDS", 1.0)

    async def scenario() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=deployed.settings.brokers[0], transactional_id=deployed.settings.topic_prefix
        )
        await producer.start()
        topic = deployed.settings.topic("events")
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", b"x", partition=3)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", b"y", partition=1)
        with pytest.raises(KafkaError, match=r"events\[1\] has an open transaction: end its producer"):
            await asyncio.to_thread(deployed.move, 3)
        await producer.commit_transaction()
        await producer.stop()

    asyncio.run(scenario())
    deployed.move(None)
    deployed.check(3, 1)
