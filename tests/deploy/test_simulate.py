"""`flowgauge simulate` feeds a real Kafka: history, then live. After a stop it continues where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream.events.decode import decode_value
from stream.events.event import EventType
from stream.kafka.topics import EVENTS
from tests.deploy.servers import REPOSITORY, until
from tests.kafka.broker import Broker
from tests.kafka.topics import count_records, read_topic

FAR = 2**60
TOPIC = f"flow.{EVENTS}"


@contextmanager
def simulating(brokers: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command until its history is fed. At the end it is stopped, and must print that."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    arguments = ["simulate", "--days", "4", "--brokers", brokers, "--data-dir", str(folder)]
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", *arguments], cwd=REPOSITORY, env=environ, stdout=output, stderr=output
        )
        try:
            until(lambda: "live now" in log.read_text("utf-8") or process.poll() is not None, 60, "the live phase")
            assert process.poll() is None, log.read_text("utf-8")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    assert "the simulation has stopped" in log.read_text("utf-8")


@pytest.mark.kafka
def test_history_and_live_events_arrive_and_another_start_goes_on_after_them(tmp_path: Path) -> None:
    with Broker() as broker:
        with simulating(broker.bootstrap, tmp_path / "data"):
            history = count_records(broker, TOPIC)
            until(lambda: count_records(broker, TOPIC) > history, 30, "a live event")
        before = {record.value for record in read_topic(broker, TOPIC)}
        with simulating(broker.bootstrap, tmp_path / "data"):
            until(lambda: count_records(broker, TOPIC) > 2 * len(before), 30, "an event beyond the journal")
        records = read_topic(broker, TOPIC)
    events = [(record.key, decode_value(record.value, FAR)) for record in records if record.value]
    assert all(key == event.item.encode() for key, event in events)
    assert {EventType.CHANGED, EventType.OBJECTIVE} <= {event.type for _, event in events}
    values = {record.value for record in records}
    assert before < values
    # No id has two contents: the engine would keep only one of them.
    assert len({(event.source, event.id) for _, event in events}) == len(values)
