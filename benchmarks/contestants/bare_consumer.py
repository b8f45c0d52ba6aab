"""The bare way through Kafka: from an event's arrival in the topic until a consumer has received it.

Arguments: broker, topic, the number of events, and how many of the first ones to leave out.
"""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.contestants.tally import done, reading
from benchmarks.percentiles import percentiles
from stream.clock import wall_time

PARTITIONS = 4


async def run(broker: str, topic: str, count: int, left_out: int) -> None:
    """Read until all events are there."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False)
    await consumer.start()
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.seek_to_end()
    for place in places:
        await consumer.position(place)
    reading()
    latencies: list[float] = []
    while len(latencies) < count:
        batches = await consumer.getmany(timeout_ms=200)
        received = wall_time() / 1_000_000
        latencies += [received - record.timestamp / 1_000 for records in batches.values() for record in records]
    done(percentiles(latencies[left_out:]))
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
