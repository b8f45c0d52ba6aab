"""The run's broker, its topics, and records written by aiokafka's batch API: a million in seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from benchmarks.errors import BenchmarkError
from benchmarks.processes import cpu_of
from benchmarks.workload import PARTITIONS, Keyed
from tests.kafka.broker import Broker
from tests.kafka.topics import create_topic

BATCH_BYTES = 512 * 1024
AWAITED = 16
FOLDED_SECONDS = 600
EVENTS_CONFIG = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(16 * 1024 * 1024)}


class Kafka(Broker):
    """The broker of a run, with the CPU seconds that it has used."""

    def cpu(self) -> float:
        """Return its CPU seconds up to now."""
        return cpu_of(self._running().pid)


def create_events_topic(broker: Broker, topic: str) -> None:
    """Create a topic as flowgauge declares its events topic."""
    create_topic(broker, topic, partitions=PARTITIONS, configs=EVENTS_CONFIG)


def write(broker: Broker, topic: str, partitions: Sequence[Sequence[Keyed]]) -> None:
    """Write records to their partitions and wait until Kafka has acknowledged all."""
    asyncio.run(_write(broker.bootstrap, topic, partitions))


async def _write(bootstrap: str, topic: str, partitions: Sequence[Sequence[Keyed]]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES, max_request_size=2 * BATCH_BYTES
    )
    await producer.start()
    try:
        # In turn, so that a reader of all partitions sees the events nearly in the order of time.
        cursors = [0] * len(partitions)
        awaited: list[asyncio.Future[object]] = []
        while any(cursor < len(rows) for cursor, rows in zip(cursors, partitions, strict=True)):
            for number, rows in enumerate(partitions):
                if cursors[number] < len(rows):
                    batch = producer.create_batch()
                    cursors[number] = _fill(batch, rows, cursors[number])
                    awaited.append(await producer.send_batch(batch, topic, partition=number))
            if len(awaited) >= AWAITED:
                await asyncio.gather(*awaited)
                awaited.clear()
        await asyncio.gather(*awaited)
    finally:
        await producer.stop()


def _fill(batch: object, rows: Sequence[Keyed], first: int) -> int:
    append = batch.append  # type: ignore[attr-defined]
    for number in range(first, len(rows)):
        key, value = rows[number]
        if append(key=key, value=value, timestamp=None) is None:
            return number
    return len(rows)


def end_offsets(broker: Broker, topic: str, partitions: int = PARTITIONS) -> int:
    """Return how many records were ever written to a topic."""
    return asyncio.run(_ends(broker.bootstrap, topic, partitions))


async def _ends(bootstrap: str, topic: str, partitions: int) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(
            [TopicPartition(topic, number) for number in range(partitions)]
        )
        return sum(ends.values())
    finally:
        await consumer.stop()


def wait_folded(broker: Broker, topic: str, group: str) -> None:
    """Wait until a group has committed all records that are in a topic now. Raises BenchmarkError."""
    end = end_offsets(broker, topic)
    deadline = time.monotonic() + FOLDED_SECONDS
    while (reached := asyncio.run(_committed(broker.bootstrap, topic, group))) < end:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{group!r} has folded {reached:,} of {end:,} events in {FOLDED_SECONDS} s")
        time.sleep(0.1)


async def _committed(bootstrap: str, topic: str, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
        return sum(max(0, place.offset) for tp, place in found.items() if tp.topic == topic)
    finally:
        await admin.close()


def delete_topics(broker: Broker, prefix: str) -> None:
    """Delete the topics whose names begin like this, to free the disk."""
    asyncio.run(_delete(broker.bootstrap, prefix))


async def _delete(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()


def remove_dead_members(broker: Broker, group: str, metadata: str = "") -> None:
    """Remove killed members from a group: all, or those with this text in their metadata if others still run.

    Kafka would wait for the end of their sessions, which is a setting of each contestant and not its speed.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        (found,) = admin.describe_groups([group]).values()
        dead = [member["member_id"] for member in found["members"] if metadata in member["member_metadata"]]
        if not dead:
            raise BenchmarkError(f"group {group!r} has no such members: nothing was killed there")
        members = [MemberToRemove(member_id=member) for member in dead]
        admin.remove_group_members(group, members)
    finally:
        admin.close()
