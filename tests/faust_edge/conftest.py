"""A consumer without Faust, and a client whose positions the test sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaError as ClientError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.faust_edge.consumer import Consumer

EVENTS = TP("flow.events", 0)
CHANGELOG = TP("flow.histories", 0)


class Record(NamedTuple):
    """A record with the fields that the consumer reads."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 0


class Client:
    """A client whose position the test sets. It keeps the positions to which it is sent."""

    def __init__(self) -> None:
        self.position: dict[TP, int] = {}
        self.sought: list[dict[TP, int]] = []
        # The first offsets that the broker has. Without any, it does not answer.
        self.first: dict[TP, int] = {CHANGELOG: 0}
        self.returned: list[dict[TP, tuple[int, int]]] = []

    async def firsts(self, partitions: Sequence[TP]) -> dict[TP, int]:
        if not self.first:
            raise ClientError
        return {tp: self.first.get(tp, 0) for tp in partitions}

    async def put_back(self, taken: dict[TP, tuple[int, int]]) -> None:
        self.returned.append(taken)

    def positions(self) -> dict[TP, int]:
        return dict(self.position)

    def assignment(self) -> set[TP]:
        return set(self.position)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def consumer(client: Client, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    async def seek_wait(_: Any, partitions: Mapping[TP, int]) -> None:
        client.sought.append(dict(partitions))
        client.position.update(partitions)

    made = Consumer.__new__(Consumer)
    tables = SimpleNamespace(changelog_topics={CHANGELOG.topic})
    app: Any = SimpleNamespace(topics=[], tables=tables, rebalancing=False, consumer_generation_id=1)
    made.app, made._thread, made.flow_active, made._unacked_messages = app, client, True, set()  # type: ignore[assignment]
    made.log = SimpleNamespace(info=lambda *_: None)  # type: ignore[assignment]
    made._progress, made._buffered_partitions = {}, set()
    monkeypatch.setattr(driver.Consumer, "seek_wait", seek_wait)
    return made
