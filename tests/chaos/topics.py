"""Changes that others make to the topics: delete them, delete old records, write unreadable records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove, OffsetSpec
from kafka.errors import RetriableError

from tests.kafka.broker import Broker

SECONDS = 30
# The client checks a record against its limits before it compresses the record.
LARGEST_RAW = 64 * 1024 * 1024


def delete_topic(broker: Broker, topic: str) -> None:
    """Delete a topic with its records."""
    with _admin(broker) as admin:
        admin.delete_topics([topic], timeout_ms=SECONDS * 1000)


def cut_topic(broker: Broker, topic: str, partitions: int, share: float) -> None:
    """Delete this share of each partition's offsets, the oldest, as retention does.

    Kafka allows this only if a topic is not just compacted. So for that moment it is not, as after somebody's mistake.
    """
    places = [TopicPartition(topic, number) for number in range(partitions)]
    with _admin(broker) as admin:
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        _set_policy(admin, topic, "compact,delete")
        try:
            admin.delete_records({place: int(share * end.offset) for place, end in ends.items() if end.offset})
        finally:
            _set_policy(admin, topic, "compact")


def _set_policy(admin: KafkaAdminClient, topic: str, policy: str) -> None:
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": policy})])


def write(broker: Broker, topic: str, key: bytes, value: bytes, *, compressed: bool = False) -> None:
    """Write one record, compressed by gzip or not."""
    asyncio.run(asyncio.wait_for(_write(broker, topic, key, value, compressed=compressed), SECONDS))


def remove_members(broker: Broker, group: str) -> None:
    """Remove all members from a group, so that nobody waits for the sessions of members that are gone."""
    with _admin(broker) as admin:
        members = _members(admin, group)
        if members:
            admin.remove_group_members(group, members)


def _members(admin: KafkaAdminClient, group: str) -> list[MemberToRemove]:
    """Return a group's members. A broker that has just started is not a coordinator for some seconds."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            (found,) = admin.describe_groups([group]).values()
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return [MemberToRemove(member_id=member["member_id"]) for member in found["members"]]


@contextmanager
def _admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap, request_timeout_ms=SECONDS * 1000)
    try:
        yield admin
    finally:
        admin.close()


async def _write(broker: Broker, topic: str, key: bytes, value: bytes, *, compressed: bool) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap,
        acks="all",
        compression_type="gzip" if compressed else None,
        max_request_size=LARGEST_RAW,
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key)
    finally:
        await producer.stop()
