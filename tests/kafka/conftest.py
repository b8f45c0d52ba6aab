"""One broker for the session; each test has topics and a consumer group of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.worker import Deployment


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """A running Kafka. Where it cannot be had the tests fail: a green run without it would say nothing."""
    with Broker() as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """What this test's topics begin with."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def deployment(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Deployment:
    """The test's own deployment, with the default partitions and without topics."""
    return Deployment(kafka, topic_prefix, tmp_path)
