"""An open-loop sender: a workload continues at a fixed rate, each event happening when it is sent.

It waits for nobody. An event that is late because the sender was delayed still counts from when it was due.
Arguments: broker, topic, events a second, seconds, the number of the first event, and the events, items and teams of
the workload that was written before. It reports how late Kafka acknowledged.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from aiokafka import AIOKafkaProducer

from benchmarks.contestants.tally import done, reading
from benchmarks.percentiles import percentiles
from benchmarks.workload import Size, changes, event, partition_of
from stream.clock import wall_time

Change = tuple[str, str, str]


class Sender:
    """Sends events. `lateness` is from when an event was due until it was acknowledged, in seconds."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, first: int, changes: Sequence[Change]) -> None:
        self._producer = producer
        self._topic = topic
        self._first = first
        self._changes = changes
        self._places = [partition_of(item.encode()) for item, _, _ in changes]
        self.lateness: list[float] = []

    async def run(self, rate: float, total: int) -> None:
        """Send `total` events at `rate` a second and wait for their acknowledgements."""
        start, sent, waiting = time.monotonic(), 0, list[asyncio.Future[object]]()
        while sent < total:
            due = min(total, int((time.monotonic() - start) * rate) + 1)
            for number in range(sent, due):
                future = await self._send(number)
                future.add_done_callback(partial(self._acknowledged, start + number / rate))
                waiting.append(future)
            sent = due
            await asyncio.sleep(max(0.0, start + sent / rate - time.monotonic()))
        await asyncio.gather(*waiting)

    async def _send(self, number: int) -> asyncio.Future[object]:
        item, team, state = self._changes[number]
        value = event(self._first + number, item, team, state, datetime.fromtimestamp(wall_time() / 1_000_000, UTC))
        sent: asyncio.Future[object] = await self._producer.send(
            self._topic, value, item.encode(), partition=self._places[number]
        )
        return sent

    def _acknowledged(self, due: float, _: object) -> None:
        self.lateness.append(time.monotonic() - due)


async def run(broker: str, topic: str, rate: float, first: int, going_on: Sequence[Change]) -> None:
    """Send the events of a workload from one on."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()
    sender = Sender(producer, topic, first, going_on)
    reading()
    begun = wall_time() / 1_000_000
    await sender.run(rate, len(going_on))
    result = {"sent": len(sender.lateness), "begun": begun, "seconds": wall_time() / 1_000_000 - begun}
    done(result | {"late": percentiles(sender.lateness)})
    await producer.stop()


if __name__ == "__main__":
    rate, first, size = float(sys.argv[3]), int(sys.argv[5]), Size(*map(int, sys.argv[6:]))
    last = first + round(rate * float(sys.argv[4]))
    asyncio.run(run(sys.argv[1], sys.argv[2], rate, first, list(islice(changes(size), first, last))))
