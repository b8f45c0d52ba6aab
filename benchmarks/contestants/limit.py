"""The limit in Python: aiokafka's getmany, orjson and a dict, with no framework and nothing durable."""

from __future__ import annotations

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.contestants.tally import Tally

PARTITIONS = 4


async def run(broker: str, topic: str, count: int) -> None:
    """Read the topic from its beginning and count."""
    tally, last = Tally(count), dict[str, tuple[str, str]]()
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    finished = False
    while not finished:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                data = orjson.loads(record.value)["data"]
                item, team, state = data["item"], data["team"], data["state"]
                finished = tally.move(last.get(item), team, state)
                last[item] = team, state
    tally.done()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
