"""Events of an aborted transaction are in no number, and their offsets block no worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from stream.cli.dead_letters import read
from stream.faust_edge.latest import Latest, latest
from stream.settings import Settings
from tests.kafka.events import FLOW, event, total
from tests.kafka.scrape import merged_metrics, wait_until
from tests.kafka.topics import Record, create_topic
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka


def test_what_was_aborted_counts_nowhere(deployment: Deployment) -> None:
    deployment.create_topics()
    events = deployment.topic("events")
    bootstrap = deployment.broker.bootstrap

    async def produce() -> None:
        for part in range(4):
            async with transaction(bootstrap, abort=part % 2 == 1) as producer:
                await send(
                    producer, events, [event(item, 0, state="Doing") for item in range(50 * part, 50 * part + 50)]
                )

    asyncio.run(produce())
    with Worker(deployment, deployment.config(FLOW)) as worker:
        worker.wait_ready()
        assert total(worker, "flow_load_items") == 100
        assert total(worker, "flow_events_total") == total(worker, "flow_events_total", outcome="applied") == 100
        wait_until(lambda: total(worker, "flow_lag_events") == 0, "no lag")
        asyncio.run(produce())
        wait_until(lambda: total(worker, "flow_events_total", outcome="duplicate") == 100, "the same events again")
        wait_until(lambda: total(worker, "flow_lag_events") == 0, "no lag")
        assert total(worker, "flow_load_items") == 100
        worker.stop()


@pytest.mark.parametrize("topic", ["items", "histories"])
def test_what_others_have_aborted_in_our_topics_holds_nobody_up(deployment: Deployment, topic: str) -> None:
    deployment = replace(deployment, events_partitions=1)
    deployment.create_topics()
    config, events, bootstrap = deployment.config(FLOW), deployment.topic("events"), deployment.broker.bootstrap

    async def produce(number: int) -> None:
        async with transaction(bootstrap, abort=False) as producer:
            await send(producer, events, [event(item, number, state="Doing") for item in range(20)])
        async with transaction(bootstrap, abort=True) as producer:
            await send(producer, deployment.topic(topic), [Record(b"1", b"\2nonsense")])

    asyncio.run(produce(0))
    with Worker(deployment, config, name="w1") as worker:
        assert total(worker.wait_ready(), "flow_load_items") == 20
        asyncio.run(produce(1))
        wait_until(lambda: total(worker, "flow_events_total", outcome="applied") == 40, "the next events")
        worker.stop()
    with Worker(deployment, config, name="w2") as worker:
        assert total(worker.wait_ready(), "flow_load_items") == 20
        assert merged_metrics([worker])["flow_ready", frozenset()] == 1


def test_histories_behind_an_open_transaction_are_waited_for(deployment: Deployment) -> None:
    deployment = replace(deployment, events_partitions=1)
    deployment.create_topics()
    config, bootstrap = deployment.config(FLOW), deployment.broker.bootstrap

    async def scenario() -> None:
        async with transaction(bootstrap, abort=True) as producer:
            await send(producer, deployment.topic("histories"), [Record(b"1", b"\2nonsense")])
            await doing(deployment)
            await asyncio.to_thread(written_and_stopped)
            await asyncio.to_thread(second.start)
            await asyncio.to_thread(
                wait_until, lambda: "recovering" in second.get("/ready")[1], "a recovery that waits"
            )
        await asyncio.to_thread(second.wait_ready)

    def written_and_stopped() -> None:
        wait_until(lambda: total(first, "flow_load_items") == 20, "the events")
        first.stop()

    first = Worker(deployment, config, name="w1")
    second = Worker(deployment, config, name="w2")
    try:
        first.start().wait_ready()
        asyncio.run(scenario())
        assert total(second, "flow_load_items") == 20
        # The items' histories show which events were folded.
        asyncio.run(doing(deployment))
        wait_until(lambda: total(second, "flow_events_total", outcome="duplicate") == 20, "the same events again")
    finally:
        first.kill()
        second.kill()


def test_the_newest_of_a_topic_is_what_was_committed(deployment: Deployment) -> None:
    topic, bootstrap = deployment.topic("plain"), deployment.broker.bootstrap
    create_topic(deployment.broker, topic)

    async def scenario() -> dict[TP, Latest]:
        for abort, value in ((False, b"right"), (True, b"wrong")):
            async with transaction(bootstrap, abort=abort) as producer:
                await send(producer, topic, [Record(b"key", value)])
        return await latest([bootstrap], {TP(topic, 0): 0})

    assert asyncio.run(scenario()) == {TP(topic, 0): Latest({b"key": b"right"}, 4)}


def test_dead_letters_that_were_aborted_are_not_listed(deployment: Deployment) -> None:
    deployment.create_topics()

    async def produce() -> None:
        for abort in (False, True):
            async with transaction(deployment.broker.bootstrap, abort=abort) as producer:
                await send(producer, deployment.topic("dead-letters"), [Record(b"%d" % abort, b"value")])

    asyncio.run(produce())
    settings = Settings.from_env(deployment.environment())
    assert [letter.key for letter in read(settings)] == [b"0"]


async def doing(deployment: Deployment) -> None:
    """Send 20 events in a committed transaction."""
    async with transaction(deployment.broker.bootstrap, abort=False) as producer:
        await send(producer, deployment.topic("events"), [event(item, 0, state="Doing") for item in range(20)])


@asynccontextmanager
async def transaction(bootstrap: str, *, abort: bool) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer with an open transaction, which ends with the block."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"elsewhere-{abort}", transaction_timeout_ms=300_000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        yield producer
        await (producer.abort_transaction() if abort else producer.commit_transaction())
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, topic: str, records: Sequence[Record]) -> None:
    """Send records and wait until they are acknowledged."""
    await asyncio.gather(*[await producer.send(topic, record.value, record.key) for record in records])
