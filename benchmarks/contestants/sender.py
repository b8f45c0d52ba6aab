"""An open-loop sender: events at a fixed rate, each with the time at which it was to be sent.

It does not wait for anybody: an event that is late because its sender was held up still counts from when it was due.
Arguments: broker, topic, events a second, seconds, items. Tells how late Kafka acknowledged.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from functools import partial

from aiokafka import AIOKafkaProducer

from benchmarks.contestants.tally import done, reading
from benchmarks.percentiles import percentiles
from benchmarks.workload import event, partition_of
from stream.clock import wall

STATES = ("In Progress", "Ready for Review", "In Review", "Ready for Test", "Done", "To Do")
TEAM = "Team 00001"


class Sender:
    """Sends; `lateness` is from when an event was due until it was acknowledged, in seconds."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, items: int) -> None:
        self._producer = producer
        self._topic = topic
        self._keys = [f"{number:09}" for number in range(items)]
        self._places = [partition_of(key.encode()) for key in self._keys]
        self._base = wall()
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
        index = number % len(self._keys)
        key, state = self._keys[index], STATES[number // len(self._keys) % len(STATES)]
        value = event(self._base + number, key, TEAM, state, datetime.fromtimestamp(wall() / 1_000_000, UTC))
        sent: asyncio.Future[object] = await self._producer.send(
            self._topic, value, key.encode(), partition=self._places[index]
        )
        return sent

    def _acknowledged(self, due: float, _: object) -> None:
        self.lateness.append(time.monotonic() - due)


async def run(broker: str, topic: str, rate: float, seconds: float, items: int) -> None:
    """Send for so many seconds."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()
    sender = Sender(producer, topic, items)
    reading()
    begun = wall() / 1_000_000
    await sender.run(rate, round(rate * seconds))
    result = {"sent": len(sender.lateness), "begun": begun, "seconds": wall() / 1_000_000 - begun}
    done(result | {"late": percentiles(sender.lateness)})
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
