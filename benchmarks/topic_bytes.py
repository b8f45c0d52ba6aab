"""The bytes in topics: the logs on disk, and what compaction would keep of them."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaAdminClient

from tests.kafka.broker import Broker

Key = tuple[int, bytes]


def log_bytes(broker: Broker, topic: str) -> int:
    """Return the size of a topic's logs: one replica, all segments."""
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        found = admin.describe_log_dirs([topic])
    finally:
        admin.close()
    return sum(
        int(partition["partition_size"])
        for answer in found
        for folder in answer["log_dirs"]
        for each in folder["topics"]
        for partition in each["partitions"]
        if each["name"] == topic
    )


def newest_bytes(broker: Broker, topic: str, partitions: int) -> tuple[int, int]:
    """Return count and bytes (key, value) of the newest record of each key in each partition, without tombstones."""
    kept = asyncio.run(_newest(broker.bootstrap, topic, partitions))
    return len(kept), sum(kept.values())


async def _newest(bootstrap: str, topic: str, partitions: int) -> dict[Key, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        kept: dict[Key, int] = {}
        while left := [place for place in places if await consumer.position(place) < ends[place]]:
            for place, batch in (await consumer.getmany(*left, timeout_ms=200)).items():
                for record in batch:
                    kept.pop((place.partition, record.key), None)
                    if record.value is not None:
                        kept[place.partition, record.key] = len(record.key) + len(record.value)
        return kept
    finally:
        await consumer.stop()
