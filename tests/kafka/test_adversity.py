"""Cases from a review: a frozen worker, a change that is undone half-way, two configurations, gaps in offsets."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, TopicPartition

from tests.kafka.events import FLOW, event, total
from tests.kafka.scrape import wait_until
from tests.kafka.topics import Record, count_records, produce
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka

SWAPPED = FLOW.replace("team: X", "team: Z").replace("team: Y", "team: X").replace("team: Z", "team: Y")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_worker_that_was_frozen_writes_nothing_over_its_successors_rows(
    deployment: Deployment, stack: ExitStack
) -> None:
    deployment = replace(deployment, events_partitions=1)
    deployment.create_topics()
    config, items, states = deployment.config(FLOW), 2_000, ["New", "Doing", "Waiting", "Doing"] * 10 + ["Done"]
    events = deployment.topic("events")
    produce(deployment.broker, events, [event(i, n, state=s) for n, s in enumerate(states) for i in range(items)])
    frozen = stack.enter_context(Worker(deployment, config, name="frozen"))
    # Only the last summary of each item in a batch is written, so a tenth of the work is this many records.
    wait_until(lambda: count_records(deployment.broker, deployment.topic("items")) > items, "work in progress")
    frozen.signal(signal.SIGSTOP)
    successor = stack.enter_context(Worker(deployment, config, name="successor")).wait_ready()
    frozen.signal(signal.SIGCONT)
    frozen.wait_end(10)
    assert not frozen.alive
    # Either the freeze guard or the deadline of the pending write notices it first.
    assert "flowgauge: stopped, nothing is acknowledged that is not done: " in frozen.log
    assert "Traceback" not in frozen.log
    successor.stop()
    fresh = stack.enter_context(Worker(deployment, config, name="fresh")).wait_ready()
    assert total(fresh, "flow_velocity_items", team="One") == items
    assert total(fresh, "flow_load_items") == 0


def test_a_configuration_that_is_taken_back_half_way_leaves_nothing(deployment: Deployment, stack: ExitStack) -> None:
    deployment = replace(deployment, events_partitions=1, items_partitions=2)
    deployment.create_topics()
    here, there, items = deployment.config(FLOW, "a.yaml"), deployment.config(SWAPPED, "b.yaml"), 40_000
    produce(deployment.broker, deployment.topic("events"), [event(i, 0, state="Doing") for i in range(items)])
    first = stack.enter_context(Worker(deployment, here, name="first")).wait_ready()
    assert total(first, "flow_load_items", team="One") == items
    first.stop()
    before = count_records(deployment.broker, deployment.topic("items"))
    with Worker(deployment, there, name="other") as other:
        wait_until(lambda: count_records(deployment.broker, deployment.topic("items")) > before, "a beginning")
        other.kill()
    assert count_records(deployment.broker, deployment.topic("items")) < before + 2 * items
    again = stack.enter_context(Worker(deployment, here, name="again")).wait_ready()
    assert total(again, "flow_load_items", team="One") == items
    assert total(again, "flow_load_items") == items


def test_no_wall_is_ready_while_another_configuration_is_at_work(deployment: Deployment, stack: ExitStack) -> None:
    deployment.create_topics()
    other_types = deployment.config(FLOW.replace("feature: [Story]", "defect: [Story]"), "other.yaml")
    produce(deployment.broker, deployment.topic("events"), [event(i, 0, state="Doing") for i in range(50)])
    old = stack.enter_context(Worker(deployment, deployment.config(FLOW), name="old")).wait_ready()
    assert total(old, "flow_load_items", item_type="feature") == 50
    new = stack.enter_context(Worker(deployment, other_types, name="new"))
    wait_until(lambda: '"deriving"' in old.get("/ready")[1], "the old worker's doubt")
    assert total(old, "flow_load_items") == 0
    old.stop()
    new.wait_ready()
    assert total(new, "flow_load_items", item_type="defect") == 50
    assert total(new, "flow_load_items") == 50


def test_offsets_that_hold_no_record_hold_nobody_up(deployment: Deployment) -> None:
    deployment = replace(deployment, events_partitions=1)
    deployment.create_topics()
    config, events = deployment.config(FLOW), deployment.topic("events")
    asyncio.run(_produce_in_a_transaction(deployment.broker.bootstrap, events, event(1, 0, state="Doing")))
    with Worker(deployment, config, name="w1") as worker:
        assert total(worker.wait_ready(), "flow_load_items") == 1
        worker.stop()
    # The second event is removed before anybody has read it, so the worker begins after it.
    produce(deployment.broker, events, [event(1, 1, state="Done")])
    admin = KafkaAdminClient(bootstrap_servers=deployment.broker.bootstrap)
    admin.delete_records({TopicPartition(events, 0): count_records(deployment.broker, events)})
    admin.close()
    with Worker(deployment, config, name="w2") as worker:
        assert total(worker.wait_ready(), "flow_load_items") == 1
        produce(deployment.broker, events, [event(1, 2, state="Done")])
        wait_until(lambda: total(worker, "flow_velocity_items") == 1, "the event that came after")


async def _produce_in_a_transaction(bootstrap: str, topic: str, record: Record) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="elsewhere")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, record.value, record.key)
    await producer.stop()
