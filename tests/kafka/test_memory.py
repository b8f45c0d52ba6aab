"""A worker holds a bounded part of the records that it reads, however well they are compressed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatch

from tests.kafka.events import FLOW, event, total
from tests.kafka.scrape import wait_until
from tests.kafka.topics import Record, produce, read_topic
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka

GIGABYTE = 1 << 30
HUGE = 150_000_000


def most_memory(worker: Worker) -> int:
    """Return the peak memory of a worker, in bytes."""
    assert worker._process is not None
    status = Path(f"/proc/{worker._process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def compressed(deployment: Deployment, topic: str, codec: str, records: Sequence[Record]) -> None:
    """Write records, each as a batch of its own."""

    async def write() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=deployment.broker.bootstrap, compression_type=codec, max_request_size=GIGABYTE
        )
        await producer.start()
        sent = [await producer.send(deployment.topic(topic), record.value, record.key) for record in records]
        await asyncio.gather(*sent)
        await producer.stop()

    asyncio.run(write())


def test_many_large_events_are_taken_in_a_bounded_memory(deployment: Deployment) -> None:
    deployment.create_topics()
    title = "x" * 1_000_000
    many = [event(n % 100, n // 100, state="Doing", title=title) for n in range(3_000)]
    compressed(deployment, "events", "zstd", many)
    with Worker(deployment, deployment.config(FLOW)) as worker:
        worker.wait_ready()
        assert total(worker, "flow_load_items") == 100
        assert total(worker, "flow_events_total", outcome="applied") == 3_000
        assert most_memory(worker) < GIGABYTE
        worker.stop()


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_batch_that_becomes_too_large_ends_no_worker(deployment: Deployment, codec: str) -> None:
    deployment = replace(deployment, events_partitions=1)
    deployment.create_topics()
    bomb = Record(b"bomb", b" " * HUGE)
    produce(deployment.broker, deployment.topic("events"), [event(1, 0, state="Doing")])
    for topic in ("events", "items", "histories"):
        compressed(deployment, topic, codec, [bomb])
    produce(deployment.broker, deployment.topic("events"), [event(2, 0, state="Doing")])
    with Worker(deployment, deployment.config(FLOW)) as worker:
        worker.wait_ready()
        assert total(worker, "flow_load_items") == 2
        rejected = total(worker, "flow_events_total", outcome="rejected")
        assert rejected == total(worker, "flow_dead_letters_total", reason="too_large") >= 1
        for topic in ("items", "histories"):
            name = deployment.topic(topic)
            assert total(worker, "flow_unreadable_records_total", topic=name) == 1
            assert f"{name}[0] at offset 0 cannot be read and is skipped: " in worker.log
        compressed(deployment, "items", codec, [bomb])
        wait_until(lambda: total(worker, "flow_unreadable_records_total", topic=deployment.topic("items")) == 2, "two")
        assert total(worker, "flow_load_items") == 2
        assert most_memory(worker) < GIGABYTE
        worker.stop()
    letter, *again = read_topic(deployment.broker, deployment.topic("dead-letters"))
    # Records that are read twice are refused twice.
    assert 1 + len(again) == rejected
    headers = {name: letter.header(f"flow_{name}") for name in ("offset", "batch_codec", "batch_records")}
    assert headers == {"offset": "1", "batch_codec": codec, "batch_records": "1"}
    [kept] = DefaultRecordBatch(letter.value)
    assert (kept.key, len(kept.value)) == (b"bomb", HUGE)
    command = deployment.run("dead-letters", "list", "--json")
    assert json.loads(command.stdout.splitlines()[0])["reason"] == "too_large"
