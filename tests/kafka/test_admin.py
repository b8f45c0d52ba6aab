"""The admin client when Kafka does not answer."""

from __future__ import annotations

import socket
import threading

import pytest

from stream.errors import KafkaUnreachableError
from stream.kafka import generations
from stream.settings import Settings


def test_a_kafka_that_takes_connections_and_is_silent_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "REACH_MS", 300)
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings.from_env({"FLOW_KAFKA_BROKERS": f"127.0.0.1:{silent.getsockname()[1]}"})
        with pytest.raises(KafkaUnreachableError, match="does not answer"):
            generations.describe(settings, ["flow.events"])
    assert set(threading.enumerate()) <= before
