"""How the consumer passes messages to a stream, and what stops that."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError
from faust.types import TP

from stream.faust_edge.consumer import Consumer
from tests.faust_edge.conftest import EVENTS


class Stream:
    """A stream's queue: it accepts a message if it has room, else when the test allows it."""

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


def test_polled_messages_are_handed_over_once(consumer: Consumer) -> None:
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


def test_a_rebalance_that_is_over_before_it_is_noticed_drops_no_message(consumer: Consumer) -> None:
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
