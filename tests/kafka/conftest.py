"""One broker for all tests marked `kafka`. Each of them has its own topics and its own consumer group."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.worker import Deployment


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """A running Kafka. The tests fail if it cannot start: passing without it would prove nothing."""
    with Broker() as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """The prefix of this test's topics."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def deployment(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Deployment:
    """The test's own deployment: default partitions, no topics yet."""
    return Deployment(kafka, topic_prefix, tmp_path)
