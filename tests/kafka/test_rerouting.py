"""Producers with another partitioner: each item still has one history, and the source is named."""

from __future__ import annotations

import threading
import time
from binascii import crc32
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from stream.events.partition import partition_of
from tests.kafka.feed import records
from tests.kafka.lives import AT, CONFIG, FLOW_YAML, assert_one_history_each, lives
from tests.kafka.scrape import assert_equal, merged_metrics, wait_equal, wait_outcomes, wait_until
from tests.kafka.topics import Record, count_records, produce, read_topic
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges

pytestmark = pytest.mark.kafka

PARTITIONS = 8


def test_six_items_of_a_right_and_a_wrong_producer(deployment: Deployment) -> None:
    deployment = replace(deployment, events_partitions=PARTITIONS)
    deployment.create_topics()
    events = lives(6)
    right, wrong = ([event for event in events if int(event["id"][-1]) % 2 == odd] for odd in (0, 1))
    assert {event["data"]["item"] for event in right} == {event["data"]["item"] for event in wrong}
    misplaced = [record for record in records(wrong) if _crc32(record) != _home(record)]
    assert len({record.key for record in misplaced}) >= 4
    produce(deployment.broker, deployment.topic("events"), records(right))
    _produce_by_crc32(deployment, records(wrong))
    expected = gauges(events, CONFIG, AT)
    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        worker.wait_ready()
        wait_equal([worker], expected)
        wait_outcomes([worker], {"applied": len(events), "rerouted": len(misplaced)})
        # Events that arrive while the worker runs are rerouted too.
        _produce_by_crc32(deployment, records(wrong))
        wait_outcomes([worker], {"applied": len(events), "duplicate": len(wrong), "rerouted": 2 * len(misplaced)})
        assert_equal(merged_metrics([worker]), expected)
        assert worker.log.count("partitioner=murmur2_random") == 1
        worker.stop()
        assert count_records(deployment.broker, deployment.topic("events")) == (
            len(events) + len(wrong) + 2 * len(misplaced)
        )
        assert_one_history_each(deployment, 6, PARTITIONS)
        worker.start().wait_ready()
        assert_equal(merged_metrics([worker]), expected)
        worker.stop()


def test_a_worker_killed_in_the_middle_of_it(deployment: Deployment) -> None:
    deployment = replace(deployment, events_partitions=PARTITIONS)
    deployment.create_topics()
    events = lives(300)
    expected = gauges(events, CONFIG, AT)
    topic = deployment.topic("events")
    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        worker.wait_ready()
        with _producing(deployment, records(events)):
            for _ in range(2):
                before = count_records(deployment.broker, topic)
                wait_until(lambda: count_records(deployment.broker, topic) > before + 300, "events")  # noqa: B023
                worker.kill()
                worker.start().wait_ready()
        wait_equal([worker], expected)
        worker.stop()
        assert_one_history_each(deployment, 300, PARTITIONS)
        worker.start().wait_ready()
        assert_equal(merged_metrics([worker]), expected)
        worker.stop()
    assert count_records(deployment.broker, deployment.topic("dead-letters")) == 0


def test_two_histories_of_a_former_version_are_refused_with_the_command(deployment: Deployment) -> None:
    deployment = replace(deployment, events_partitions=PARTITIONS)
    deployment.create_topics()
    config = deployment.config(FLOW_YAML)
    produce(deployment.broker, deployment.topic("events"), records(lives(1)))
    with Worker(deployment, config, clock=AT.isoformat(), name="first") as worker:
        worker.wait_ready()
        wait_until(lambda: count_records(deployment.broker, deployment.topic("histories")) > 0, "a history")
        worker.stop()
    row = read_topic(deployment.broker, deployment.topic("histories"))[-1]
    confluent = confluent_kafka.Producer({"bootstrap.servers": deployment.broker.bootstrap})
    elsewhere = (row.partition + 1) % PARTITIONS
    confluent.produce(deployment.topic("histories"), row.value, row.key, elsewhere)
    assert confluent.flush(30) == 0
    _forget_offsets(deployment)
    with Worker(deployment, config, clock=AT.isoformat(), name="second") as worker:
        worker.wait_end(60)
        assert not worker.alive
        (line,) = worker.log.splitlines()[-1:]
    assert f"partition {elsewhere}: item '0' belongs to partition {row.partition} of 8" in line
    assert line.endswith("flowgauge topics repartition")


def _home(record: Record) -> int:
    return partition_of(record.key or b"", PARTITIONS)


def _crc32(record: Record) -> int:
    return crc32(record.key or b"") % PARTITIONS


def _produce_by_crc32(deployment: Deployment, many: Sequence[Record], pause: float = 0.0) -> None:
    """Write records with librdkafka's defaults: its partitioner is CRC32 of the key."""
    producer = confluent_kafka.Producer({"bootstrap.servers": deployment.broker.bootstrap})
    for record in many:
        producer.produce(deployment.topic("events"), record.value, record.key)
        time.sleep(pause)
    assert producer.flush(60) == 0


@contextmanager
def _producing(deployment: Deployment, many: Sequence[Record]) -> Iterator[None]:
    """Write records in the background repeatedly, and all of them at least once, while the block runs."""
    over = threading.Event()

    def run() -> None:
        _produce_by_crc32(deployment, many, 0.001)
        while not over.is_set():
            _produce_by_crc32(deployment, many[:100], 0.001)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _forget_offsets(deployment: Deployment) -> None:
    """Delete the group's committed offsets, as Kafka does a week after the last worker has ended."""
    admin = AdminClient({"bootstrap.servers": deployment.broker.bootstrap})
    for answer in admin.delete_consumer_groups([deployment.topic("engine")]).values():
        answer.result(30)
