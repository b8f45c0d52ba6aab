"""What the consumer does about batches that Faust, or a seek, has lost in between."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import ConsumerStoppedError
from aiokafka.errors import KafkaError as ClientError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.faust_edge import consumer as transport
from stream.faust_edge.consumer import Consumer
from stream.faust_edge.fetching import Fetch
from stream.kafka.progress import ASK_AGAIN_AFTER
from stream.kafka.reads import Polled

EVENTS = TP("flow.events", 0)
CHANGELOG = TP("flow.histories", 0)


class Record(NamedTuple):
    """A record, as far as the consumer looks at it."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 0


class Client:
    """A client whose position the test sets; it notes where it is sent."""

    def __init__(self) -> None:
        self.position: dict[TP, int] = {}
        self.sought: list[dict[TP, int]] = []
        # The first offsets that the broker has; without any it does not answer.
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


def deliver(consumer: Consumer, tp: TP, first: int, last: int) -> Polled:
    return consumer._deliver(tp, Fetch([Record(first), Record(last)], first, last + 1))


def tick(consumer: Consumer) -> dict[TP, int]:
    return asyncio.run(consumer.recover_missing())


def test_a_batch_follows_what_was_processed_and_may_repeat_of_it(consumer: Consumer) -> None:
    assert consumer.follows(EVENTS, deliver(consumer, EVENTS, 0, 9))
    consumer.processed(EVENTS, 10)
    assert consumer.follows(EVENTS, deliver(consumer, EVENTS, 10, 19))
    # That one was lost in a queue: the next does not follow.
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


def test_what_was_compacted_or_aborted_leaves_nothing_out(
    consumer: Consumer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.progress(EVENTS).seek(5)
    [polled] = poll(consumer, monkeypatch, (EVENTS, Fetch([Record(8)], 5, 12)))
    assert ([record.offset for record in polled.records], polled.behind) == ([8], 12)
    [polled] = poll(consumer, monkeypatch, (EVENTS, Fetch([], 12, 15)))
    assert (polled.records, polled.behind, consumer.follows(EVENTS, polled)) == ([], 15, False)
    consumer.processed(EVENTS, 12)
    assert consumer.follows(EVENTS, polled)
    # In a changelog, too: recovery waits for the last offset.
    [polled] = poll(consumer, monkeypatch, (CHANGELOG, Fetch([], 0, 3)))
    assert polled.behind == 3
    assert client.sought == []


def test_what_a_batch_leaves_out_is_read_again_unless_the_broker_has_it_no_more(
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
    # Where Kafka does not answer, nothing is left out without its word.
    client.first.clear()
    assert poll(consumer, monkeypatch, (EVENTS, Fetch([Record(30)], 30, 31))) == []


@pytest.mark.parametrize("why", ["suspended", "inactive"])
def test_what_is_not_taken_goes_back_to_the_client(
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


def test_what_was_delivered_and_lost_is_read_again(consumer: Consumer, client: Client) -> None:
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


def test_what_was_polled_and_never_delivered_is_read_again_before_it_is_passed_over(
    consumer: Consumer, client: Client
) -> None:
    consumer.progress(EVENTS).begin(55)
    client.position[EVENTS] = 723
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    assert client.sought == [{EVENTS: 55}]
    # The records come this time, so that nothing is passed over.
    deliver(consumer, EVENTS, 55, 722)
    client.position[EVENTS] = 723
    consumer.processed(EVENTS, 723)
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]


def test_what_retention_has_removed_is_passed_over(consumer: Consumer, client: Client) -> None:
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = client.first[EVENTS] = 2
    assert [tick(consumer), tick(consumer)] == [{}, {EVENTS: 2}]
    assert client.sought == []


def test_nothing_is_passed_over_without_kafkas_word(consumer: Consumer, client: Client) -> None:
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = 2
    client.first.clear()
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]
    assert client.sought == []


@pytest.mark.parametrize("busy", ["unacked", "queued", "rebalancing", "suspended"])
def test_nothing_is_lost_while_anything_is_in_work(consumer: Consumer, client: Client, busy: str) -> None:
    deliver(consumer, EVENTS, 0, 9)
    client.position[EVENTS] = 10
    if busy == "unacked":
        consumer._unacked_messages = [SimpleNamespace(acked=False, value=[])]  # type: ignore[assignment]
    elif busy == "queued":
        consumer.app.topics = [SimpleNamespace(queue=SimpleNamespace(empty=lambda: False))]  # type: ignore[misc,assignment]
    elif busy == "rebalancing":
        consumer.app.rebalancing = True
    else:
        consumer.flow_active = False
    assert [tick(consumer), tick(consumer), tick(consumer)] == [{}, {}, {}]
    assert client.sought == []


def test_while_something_is_not_durable_what_was_lost_is_read_again_and_nothing_passed_over(
    consumer: Consumer, client: Client
) -> None:
    consumer._unacked_messages = [SimpleNamespace(acked=False, value=None)]  # type: ignore[assignment]
    consumer.processed(EVENTS, 1)
    client.position[EVENTS] = 2
    tick(consumer), tick(consumer)
    assert client.sought == [{EVENTS: 1}]
    client.position[EVENTS] = client.first[EVENTS] = 2
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    consumer._unacked_messages.clear()
    assert tick(consumer) == {EVENTS: 2}
    assert client.sought == [{EVENTS: 1}]


def test_a_partition_in_which_a_batch_was_lost_is_read_again_at_once_and_not_for_each_batch(
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
    now += ASK_AGAIN_AFTER + 0.1
    asyncio.run(consumer.read_again(EVENTS))
    consumer.processed(EVENTS, 20)
    asyncio.run(consumer.read_again(EVENTS))
    assert client.sought == [{EVENTS: 10}, {EVENTS: 10}, {EVENTS: 20}]
    # What has moved away is another worker's.
    asyncio.run(consumer.read_again(TP("flow.events", 7)))
    assert len(client.sought) == 3


def test_what_left_a_stream_long_ago_is_not_remembered(consumer: Consumer) -> None:
    consumer._acked, consumer._acked_index = {EVENTS: [1, 2]}, {EVENTS: {1, 2}}
    assert asyncio.run(consumer.force_commit()) is False
    assert not consumer._acked
    assert not consumer._acked_index


def test_an_acknowledged_message_is_in_no_work(consumer: Consumer, client: Client) -> None:
    deliver(consumer, EVENTS, 0, 9)
    client.position[EVENTS] = 10
    consumer._unacked_messages = [SimpleNamespace(acked=True)]  # type: ignore[assignment]
    assert [tick(consumer), tick(consumer)] == [{}, {}]
    assert client.sought == [{EVENTS: 0}]


class Stream:
    """What a consumer hands messages over to: it takes a message if it has room, else when it is let."""

    def __init__(self, consumer: Consumer, offsets: list[int], *, room: bool) -> None:
        self.taken: list[int] = []
        self.events = consumer.suspend_flow, consumer._stopped, consumer._crashed = [asyncio.Event() for _ in range(3)]  # type: ignore[misc,assignment]
        self.fetcher = SimpleNamespace(should_stop=False)
        self._offsets, self._room = offsets, asyncio.Event()
        self._waiting_before = len(asyncio.all_tasks())
        if room:
            self._room.set()
        consumer.callback, consumer.getmany = self._take, self._polled  # type: ignore[method-assign,assignment]
        consumer._read_offset = defaultdict(lambda: None, {EVENTS: 5})
        consumer._ends = {}
        consumer.transport = SimpleNamespace(app=SimpleNamespace(should_stop=False))  # type: ignore[assignment]

    async def _polled(self, **_: float) -> AsyncIterator[tuple[TP, Any]]:
        for offset in self._offsets:
            yield EVENTS, SimpleNamespace(offset=offset)
        self.fetcher.should_stop = True

    async def _take(self, message: Any) -> None:
        await self._room.wait()
        self.taken.append(message.offset)

    async def ended(self) -> bool:
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) == self._waiting_before


def test_what_is_polled_is_handed_over_unless_it_was_before(consumer: Consumer) -> None:
    async def drained() -> None:
        stream = Stream(consumer, [4, 5, 6, 9], room=True)
        await consumer._drain_messages(stream.fetcher)
        assert stream.taken == [5, 6, 9]
        assert consumer._read_offset[EVENTS] == 9
        assert await stream.ended()

    asyncio.run(drained())


@pytest.mark.parametrize("which", range(3))
def test_a_full_stream_holds_up_neither_a_rebalance_nor_the_end(consumer: Consumer, which: int) -> None:
    async def drained() -> None:
        stream = Stream(consumer, [5, 6], room=False)
        asyncio.get_running_loop().call_later(0.01, stream.events[which].set)
        async with asyncio.timeout(5.0):
            await consumer._drain_messages(stream.fetcher)
        assert stream.taken == []
        assert await stream.ended()

    asyncio.run(drained())


def test_after_a_rebalance_a_full_stream_is_waited_for_again(consumer: Consumer) -> None:
    async def drained() -> None:
        stream = Stream(consumer, [5], room=True)
        stream.events[0].set()
        await consumer._drain_messages(stream.fetcher)
        stream.events[0].clear()
        stream.fetcher.should_stop, stream._offsets = False, [6]
        stream._room.clear()
        asyncio.get_running_loop().call_later(0.02, stream._room.set)
        await consumer._drain_messages(stream.fetcher)
        assert stream.taken[-1] == 6

    asyncio.run(drained())


def test_a_rebalance_that_is_over_before_anybody_looks_takes_no_message(consumer: Consumer) -> None:
    async def drained() -> None:
        stream = Stream(consumer, [5, 6], room=False)

        def come_and_go() -> None:
            stream.events[0].set()
            stream.events[0].clear()

        asyncio.get_running_loop().call_later(0.01, come_and_go)
        asyncio.get_running_loop().call_later(0.02, stream._room.set)
        await consumer._drain_messages(stream.fetcher)
        assert stream.taken == [5, 6]

    asyncio.run(drained())


@pytest.mark.parametrize("stopping", [True, False])
@pytest.mark.parametrize("error", [asyncio.CancelledError, ConsumerStoppedError])
def test_an_end_of_the_client_is_an_error_unless_the_worker_stops(
    consumer: Consumer, error: type[BaseException], *, stopping: bool
) -> None:
    async def drained() -> None:
        stream = Stream(consumer, [5], room=True)
        consumer.transport.app.should_stop = stopping  # type: ignore[misc]

        async def ended(_: Any) -> None:
            raise error

        consumer.callback = ended  # type: ignore[method-assign,assignment]
        if stopping:
            await consumer._drain_messages(stream.fetcher)
            return
        with pytest.raises(error):
            await consumer._drain_messages(stream.fetcher)

    asyncio.run(drained())


@pytest.mark.parametrize(
    ("active", "sought", "asked"),
    [(set(), True, False), ({EVENTS}, False, False), ({EVENTS}, True, True), ({CHANGELOG}, False, True)],
)
def test_a_stream_is_polled_once_it_was_sought(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, active: set[TP], sought: bool, asked: bool
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
    assert polls == ([1.0] if asked else [])
