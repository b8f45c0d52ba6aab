"""The limit of recovery: a changelog read from its beginning to its end, the newest value of each key in a dict."""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.contestants.tally import done, reading

PARTITIONS = 4


async def run(broker: str, topic: str) -> None:
    """Read, and report how many records and keys there were."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    values, records = dict[bytes, bytes](), 0
    reading()
    while left := [place for place in places if await consumer.position(place) < ends[place]]:
        for batch in (await consumer.getmany(*left, timeout_ms=200)).values():
            records += len(batch)
            values.update((record.key, record.value) for record in batch)
    done({"records": records, "keys": len(values)})
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2]))
