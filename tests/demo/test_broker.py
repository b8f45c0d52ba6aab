"""The embedded broker returns every record, and ends with its parent however that ends."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from stream.demo.broker import PARTITIONS, EmbeddedBroker
from stream.demo.event_journal import JournalRecord
from stream.demo.feeder import Feeder
from stream.errors import ServeError

ENDS_SECONDS = 30
RECORDS = [JournalRecord(str(number % 50).encode(), b"value %d" % number) for number in range(2000)]

PARENT = """
import sys, time
from stream.demo.broker import EmbeddedBroker
broker = EmbeddedBroker(["flow.events"])
print(broker.pid, flush=True)
sys.stdin.read()
"""


async def there_and_back(bootstrap: str) -> dict[bytes, list[bytes]]:
    async def all_taken() -> int:
        return len(RECORDS)

    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        feed = Feeder(producer, "flow.events", all_taken)
        await feed.send(RECORDS[:700])
        await feed.send(RECORDS[700:])
        await feed.drain()
    seen: dict[bytes, list[bytes]] = defaultdict(list)
    consumer = AIOKafkaConsumer("flow.events", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(ENDS_SECONDS):
        while sum(map(len, seen.values())) < len(RECORDS):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    seen[record.key].append(record.value)
        assert len(consumer.partitions_for_topic("flow.events")) == PARTITIONS
    return seen


def test_what_is_fed_is_read_in_order_by_key() -> None:
    with EmbeddedBroker(["flow.events", "flow.items"]) as broker:
        assert broker.bootstrap.startswith("127.0.0.1:")
        assert broker.ended() is None
        seen = asyncio.run(there_and_back(broker.bootstrap))
    assert broker.ended() is not None
    for key, values in seen.items():
        assert values == [record.value for record in RECORDS if record.key == key]


@pytest.mark.parametrize("name", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent(name: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        broker = os.pidfd_open(pid)
        try:
            assert not select.select([broker], [], [], 0)[0]
            parent.send_signal(name)
            # A process file descriptor becomes readable when its process has ended.
            assert select.select([broker], [], [], ENDS_SECONDS)[0]
        finally:
            os.close(broker)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ServeError, match=r"needs confluent-kafka: pip install 'flowgauge\[demo\]'"):
        EmbeddedBroker([])


@pytest.mark.parametrize(
    ("start", "why"),
    [("raise KafkaException('no port is free')", "no port is free"), ("exit(3)", "exit status 3")],
)
def test_a_broker_that_does_not_start_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, why: str
) -> None:
    (tmp_path / "confluent_kafka.py").write_text(
        f"class KafkaException(Exception): pass\ndef Producer(settings): {start}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ServeError, match=rf"the embedded broker does not start \({why}\): try again"):
        EmbeddedBroker(["flow.events"])
