"""Topics of the real Kafka for the tests: create, write, read to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from tests.kafka.broker import LARGEST_MESSAGE, Broker

SECONDS = 60
IN_FLIGHT = 5_000


class Record(NamedTuple):
    """A record of a topic: bytes, and headers in order. Its partition and offset are set only by reading."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int = -1
    offset: int = -1

    def header(self, name: str) -> str | None:
        """Return the header's last value as text."""
        found = [value for key, value in self.headers if key == name]
        return found[-1].decode() if found else None


def create_topic(broker: Broker, topic: str, *, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
    """Create a topic. Raises aiokafka's TopicAlreadyExistsError."""
    new = NewTopic(topic, partitions, 1, topic_configs=dict(configs or {}))
    asyncio.run(asyncio.wait_for(_create(broker, new), SECONDS))


def topic_config(broker: Broker, topic: str) -> dict[str, str | None]:
    """Return the topic's settings, defaults included."""
    return asyncio.run(asyncio.wait_for(_config(broker, topic), SECONDS))


def produce(broker: Broker, topic: str, records: Iterable[Record]) -> int:
    """Write the records in order, wait until Kafka has acknowledged all, and return how many."""
    return asyncio.run(asyncio.wait_for(_produce(broker, topic, list(records)), SECONDS))


def read_topic(broker: Broker, topic: str) -> list[Record]:
    """Return all records that are in the topic now, by partition and offset.

    Raises LookupError if there is no such topic.
    """
    return asyncio.run(asyncio.wait_for(_read(broker, topic), SECONDS))


def count_records(broker: Broker, topic: str) -> int:
    """Return how many records were ever written (the sum of end offsets); 0 if there is no such topic."""
    try:
        return asyncio.run(asyncio.wait_for(_count(broker, topic), SECONDS))
    except LookupError:
        return 0


async def _create(broker: Broker, new: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([new])
        for _name, code, *_ in answer.topic_errors:
            if code:
                raise for_code(code)(f"{new.name!r} could not be created")
        # Metadata follow a moment later, and a producer does not wait for a topic that it does not know.
        while new.name not in await admin.list_topics():
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _config(broker: Broker, topic: str) -> dict[str, str | None]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for answer in answers for *_, entries in answer.resources for entry in entries}
    finally:
        await admin.close()


async def _produce(broker: Broker, topic: str, records: Sequence[Record]) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, acks="all", linger_ms=5, max_request_size=LARGEST_MESSAGE
    )
    await producer.start()
    try:
        for first in range(0, len(records), IN_FLIGHT):
            sent = [
                await producer.send(topic, value=record.value, key=record.key, headers=list(record.headers))
                for record in records[first : first + IN_FLIGHT]
            ]
            await asyncio.gather(*sent)
        return len(records)
    finally:
        await producer.stop()


async def _read(broker: Broker, topic: str) -> list[Record]:
    consumer = _consumer(broker)
    await consumer.start()
    try:
        ends = await _ends(broker, consumer, topic)
        consumer.assign(list(ends))
        await consumer.seek_to_beginning()
        found: list[Record] = []
        # The position also passes the offsets removed by compaction, which have no records.
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, batch in (await consumer.getmany(timeout_ms=200)).items():
                found += [_record(raw) for raw in batch if raw.offset < ends[place]]
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def _count(broker: Broker, topic: str) -> int:
    consumer = _consumer(broker)
    await consumer.start()
    try:
        return sum((await _ends(broker, consumer, topic)).values())
    finally:
        await consumer.stop()


def _consumer(broker: Broker) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=LARGEST_MESSAGE,
    )


async def _ends(broker: Broker, consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    places = [TopicPartition(topic, number) for number in await _partitions(broker, topic)]
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    return ends


async def _partitions(broker: Broker, topic: str) -> list[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_topics([topic])
        found = sorted(entry["partition"] for entry in answer["partitions"])
    finally:
        await admin.close()
    if not found:
        raise LookupError(f"no topic {topic!r}")
    return found


def _record(raw: Any) -> Record:
    return Record(raw.key, raw.value, tuple(raw.headers), raw.partition, raw.offset)
