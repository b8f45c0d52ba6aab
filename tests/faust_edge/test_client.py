"""The thread of Kafka's client: what a poll asks for, and what is given back to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from stream.faust_edge.client import ConsumerThread
from stream.kafka.places import TP

EVENTS, HISTORIES = TP("flow.events", 0), TP("flow.histories", 0)


@pytest.fixture
def thread() -> ConsumerThread:
    return ConsumerThread.__new__(ConsumerThread)


def test_a_poll_asks_for_the_partitions_that_were_active_when_it_began(
    thread: ConsumerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Collection[TP]] = []
    active = {EVENTS}

    async def call(_: Any, __: Any, partitions: Collection[TP], **___: Any) -> dict[TP, Any]:
        # A rebalance pauses all partitions. For the client, an empty set would mean all of them.
        active.clear()
        asked.append(partitions)
        return {}

    monkeypatch.setattr(thread, "_ensure_consumer", lambda: SimpleNamespace(_max_poll_records=5))
    monkeypatch.setattr(thread, "call_thread", call)
    assert asyncio.run(thread.getmany(active, 1.0)) == {}
    assert asked == [{EVENTS}]


def test_partitions_sought_meanwhile_are_not_read_again(
    thread: ConsumerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[tuple[Any, int]] = []
    client = SimpleNamespace(seek=lambda tp, offset: sought.append((tuple(tp), offset)))
    monkeypatch.setattr(thread, "_ensure_consumer", lambda: client)
    monkeypatch.setattr(thread, "positions", lambda: {EVENTS: 7, HISTORIES: 0})
    gone = TP("flow.events", 1)
    asyncio.run(thread._put_back({EVENTS: (3, 7), HISTORIES: (3, 7), gone: (3, 7)}))
    assert sought == [(("flow.events", 0), 3)]
