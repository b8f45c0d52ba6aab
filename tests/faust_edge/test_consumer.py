"""How the consumer handles batches that Faust or a seek has lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.faust_edge import consumer as transport
from stream.faust_edge.consumer import RECOVERY_POLL_WAITS, Consumer
from stream.faust_edge.fetching import Fetch
from stream.kafka.progress import READ_AGAIN_AFTER
from stream.kafka.read_results import Polled
from tests.faust_edge.conftest import CHANGELOG, EVENTS, Client, Record


def deliver(consumer: Consumer, tp: TP, first: int, last: int) -> Polled:
    return consumer._deliver(tp, Fetch([Record(first), Record(last)], first, last + 1))


def tick(consumer: Consumer) -> dict[TP, int]:
    return asyncio.run(consumer.recover_missing())


def test_a_batch_may_repeat_processed_records_but_not_skip_any(consumer: Consumer) -> None:
    assert consumer.follows(EVENTS, deliver(consumer, EVENTS, 0, 9))
    consumer.processed(EVENTS, 10)
    assert consumer.follows(EVENTS, deliver(consumer, EVENTS, 10, 19))
    # That one was lost in a queue, so the next does not follow it.
    assert not consumer.follows(EVENTS, deliver(consumer, EVENTS, 20, 29))


def poll(consumer: Consumer, monkeypatch: pytest.MonkeyPatch, *parts: tuple[TP, Fetch]) -> list[Polled]:
    async def wait_next_records(_: Any, __: float) -> tuple[dict[TP, Fetch], set[TP]]:
        return dict(parts), {tp for tp, _ in parts}

    async def polled() -> list[Polled]:
        return [part async for _, message in consumer.getmany(1.0) for _, part in message.value]

    monkeypatch.setattr(driver.Consumer, "_wait_next_records", wait_next_records)
    monkeypatch.setattr(Consumer, "should_stop", False)
    consumer._active_partitions, consumer._sought = {tp for tp, _ in parts}, True
    return asyncio.run(polled())


def test_compacted_or_aborted_records_are_no_gap(
    consumer: Consumer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.progress(EVENTS).seek(5)
    [polled] = poll(consumer, monkeypatch, (EVENTS, Fetch([Record(8)], 5, 12)))
    assert ([record.offset for record in polled.records], polled.next_offset) == ([8], 12)
    [polled] = poll(consumer, monkeypatch, (EVENTS, Fetch([], 12, 15)))
    assert (polled.records, polled.next_offset, consumer.follows(EVENTS, polled)) == ([], 15, False)
    consumer.processed(EVENTS, 12)
    assert consumer.follows(EVENTS, polled)
    # Also in a changelog: recovery waits for the last offset.
    [polled] = poll(consumer, monkeypatch, (CHANGELOG, Fetch([], 0, 3)))
    assert polled.next_offset == 3
    assert client.sought == []


def test_a_gap_is_read_again_unless_the_broker_no_longer_has_it(
    consumer: Consumer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.progress(EVENTS).begin(15)
    batch = (EVENTS, Fetch([Record(18)], 18, 19))
    for _ in range(2):
        assert poll(consumer, monkeypatch, batch) == []
    client.first[EVENTS] = 17
    assert poll(consumer, monkeypatch, batch) == []
    assert client.sought == [{EVENTS: 15}] * 3
    client.first[EVENTS] = 18
    [polled] = poll(consumer, monkeypatch, batch)
    assert consumer.follows(EVENTS, polled)
    assert len(client.sought) == 3
    # If Kafka does not answer, nothing is left out.
    client.first.clear()
    assert poll(consumer, monkeypatch, (EVENTS, Fetch([Record(30)], 30, 31))) == []


@pytest.mark.parametrize("why", ["suspended", "inactive"])
def test_unused_records_go_back_to_the_client(
    consumer: Consumer, client: Client, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async def wait_next_records(_: Any, __: float) -> tuple[dict[TP, Fetch], set[TP]]:
        # A rebalance begins while the poll waits.
        consumer.flow_active = why != "suspended"
        return {CHANGELOG: Fetch([Record(3)], 3, 7), EVENTS: Fetch([], 5, 5)}, {EVENTS}

    async def polled() -> list[Any]:
        return [message async for message in consumer.getmany(1.0)]

    monkeypatch.setattr(driver.Consumer, "_wait_next_records", wait_next_records)
    monkeypatch.setattr(Consumer, "should_stop", False)
    consumer._active_partitions, consumer._sought = {EVENTS}, True
    assert asyncio.run(polled()) == []
    assert client.returned == [{CHANGELOG: (3, 7)}]


def test_lost_records_are_read_again(consumer: Consumer, client: Client) -> None:
    consumer.processed(EVENTS, 5)
    deliver(consumer, EVENTS, 5, 9)
    client.position[EVENTS] = 10
    assert tick(consumer) == {}
    assert client.sought == []
    assert tick(consumer) == {}
    assert client.sought == [{EVENTS: 5}]
    deliver(consumer, EVENTS, 5, 9)
    client.position[EVENTS] = 10
    consumer.processed(EVENTS, 10)
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]
    assert client.sought == [{EVENTS: 5}]


def test_undelivered_records_are_read_again_before_they_are_skipped(consumer: Consumer, client: Client) -> None:
    consumer.progress(EVENTS).begin(55)
    client.position[EVENTS] = 723
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    assert client.sought == [{EVENTS: 55}]
    # The records come this time, so nothing is skipped.
    deliver(consumer, EVENTS, 55, 722)
    client.position[EVENTS] = 723
    consumer.processed(EVENTS, 723)
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]


def test_records_that_retention_removed_are_skipped(consumer: Consumer, client: Client) -> None:
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = client.first[EVENTS] = 2
    assert [tick(consumer), tick(consumer)] == [{}, {EVENTS: 2}]
    assert client.sought == []


def test_nothing_is_skipped_if_kafka_does_not_answer(consumer: Consumer, client: Client) -> None:
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = 2
    client.first.clear()
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]
    assert client.sought == []


@pytest.mark.parametrize("busy", ["unacked", "queued", "rebalancing", "suspended"])
def test_nothing_counts_as_lost_while_anything_is_in_work(consumer: Consumer, client: Client, busy: str) -> None:
    deliver(consumer, EVENTS, 0, 9)
    client.position[EVENTS] = 10
    if busy == "unacked":
        consumer._unacked_messages = [SimpleNamespace(acked=False, taken=False)]  # type: ignore[assignment]
    elif busy == "queued":
        consumer.app.topics = [SimpleNamespace(queue=SimpleNamespace(empty=lambda: False))]  # type: ignore[misc,assignment]
    elif busy == "rebalancing":
        consumer.app.rebalancing = True
    else:
        consumer.flow_active = False
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]
    assert client.sought == []


def test_while_work_is_not_durable_lost_records_are_read_again_and_none_skipped(
    consumer: Consumer, client: Client
) -> None:
    consumer._unacked_messages = [SimpleNamespace(acked=False, taken=True)]  # type: ignore[assignment]
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = 2
    tick(consumer), tick(consumer)
    assert client.sought == [{EVENTS: 1}]
    client.position[EVENTS] = client.first[EVENTS] = 2
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    consumer._unacked_messages.clear()
    assert tick(consumer) == {EVENTS: 2}
    assert client.sought == [{EVENTS: 1}]


def test_a_partition_with_a_lost_batch_is_read_again_at_once_but_not_for_each_batch(
    consumer: Consumer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(transport, "monotonic", lambda: now)
    consumer.processed(EVENTS, 10)
    client.position[EVENTS] = 40
    for _ in range(3):
        asyncio.run(consumer.read_again(EVENTS))
    assert client.sought == [{EVENTS: 10}]
    # That was lost as well.
    now += READ_AGAIN_AFTER + 0.1
    asyncio.run(consumer.read_again(EVENTS))
    consumer.processed(EVENTS, 20)
    asyncio.run(consumer.read_again(EVENTS))
    assert client.sought == [{EVENTS: 10}, {EVENTS: 10}, {EVENTS: 20}]
    # A partition that has moved away belongs to another worker.
    asyncio.run(consumer.read_again(TP("flow.events", 7)))
    assert len(client.sought) == 3


def test_acknowledged_offsets_are_not_kept(consumer: Consumer) -> None:
    consumer._acked, consumer._acked_index = {EVENTS: [1, 2]}, {EVENTS: {1, 2}}
    assert asyncio.run(consumer.force_commit()) is False
    assert not consumer._acked
    assert not consumer._acked_index


def test_an_acknowledged_message_is_not_in_work(consumer: Consumer, client: Client) -> None:
    deliver(consumer, EVENTS, 0, 9)
    client.position[EVENTS] = 10
    consumer._unacked_messages = [SimpleNamespace(acked=True)]  # type: ignore[assignment]
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    assert client.sought == [{EVENTS: 0}]


@pytest.mark.parametrize(
    ("active", "sought", "waits"),
    [
        (set(), True, []),
        ({EVENTS}, False, []),
        ({EVENTS}, True, [1.0]),
        ({EVENTS, CHANGELOG}, True, [1.0]),
        ({CHANGELOG}, False, [RECOVERY_POLL_WAITS]),
    ],
)
def test_a_stream_is_polled_only_after_its_seek_and_no_poll_of_a_recovery_holds_it_up(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, active: set[TP], sought: bool, waits: list[float]
) -> None:
    polls: list[float] = []

    async def polled() -> list[Any]:
        return [message async for message in consumer.getmany(1.0)]

    async def wait_next_records(_: Any, seconds: float) -> tuple[dict[TP, Any], set[TP]]:
        polls.append(seconds)
        return {}, active

    monkeypatch.setattr(driver.Consumer, "_wait_next_records", wait_next_records)
    monkeypatch.setattr(Consumer, "should_stop", True)
    consumer._active_partitions, consumer._sought = active, sought
    assert asyncio.run(polled()) == []
    assert polls == waits
