"""A row that its topic refuses does not block any other row."""

from __future__ import annotations

import asyncio
import random

import pytest

from stream.errors import KafkaError
from stream.kafka.outbox import Outbox, Row, Written
from stream.kafka.places import TP
from tests.kafka.topics import create_topic, read_topic
from tests.kafka.worker import Deployment

pytestmark = pytest.mark.kafka

LIMIT = 100_000
NOISE = random.Random(1)


def row(number: int, size: int) -> Row:
    return Row(b"%d" % number, NOISE.randbytes(size))


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_row_that_is_too_large_is_reported_and_the_others_are_written(
    deployment: Deployment, *, idempotent: bool
) -> None:
    topic = TP(deployment.topic("small"), 0)
    create_topic(deployment.broker, topic.topic, configs={"max.message.bytes": str(LIMIT)})
    refused: list[tuple[TP, bytes | None]] = []
    # As one batch they are too large. Alone, only one of them is.
    rows = [row(number, 2 * LIMIT if number == 3 else LIMIT // 3) for number in range(6)]

    async def write() -> list[Written | None]:
        outbox = Outbox(
            [deployment.broker.bootstrap],
            10.0,
            lambda: None,
            idempotent=idempotent,
            too_large=lambda tp, one: refused.append((tp, one.key)),
        )
        await outbox.start()
        writes = [[row(9, 10)], rows, [row(7, LIMIT)], [row(8, 10)]]
        found = [(await outbox.write({topic: part})).get(topic) for part in writes]
        await outbox.stop()
        return found

    first, scattered, none, last = asyncio.run(write())
    assert first is not None
    assert first.holds(1)
    assert scattered is not None
    assert (tuple(scattered), scattered.holds(5), scattered.holds(6)) == ((1, 5), False, False)
    assert (none, last) == (None, Written(6, 6))
    assert [record.key for record in read_topic(deployment.broker, topic.topic)] == [
        *(b"9", b"0", b"1", b"2", b"4", b"5", b"8")
    ]
    assert refused == [(topic, b"3"), (topic, b"7")]


def test_who_is_to_write_all_fails_where_a_row_is_too_large(deployment: Deployment) -> None:
    topic = TP(deployment.topic("small"), 0)
    create_topic(deployment.broker, topic.topic, configs={"max.message.bytes": str(LIMIT)})

    async def write() -> None:
        outbox = Outbox([deployment.broker.bootstrap], 10.0, lambda: None)
        await outbox.start()
        try:
            await outbox.write({topic: [row(1, 2 * LIMIT)]})
        finally:
            await outbox.stop()

    with pytest.raises(KafkaError, match="MessageSizeTooLarge"):
        asyncio.run(write())


def test_what_is_to_be_compressed_fits_where_it_is_large(deployment: Deployment) -> None:
    topic = TP(deployment.topic("small"), 0)
    create_topic(deployment.broker, topic.topic, configs={"max.message.bytes": str(LIMIT)})
    value = b" " * 30_000_000

    async def write() -> None:
        outbox = Outbox([deployment.broker.bootstrap], 10.0, lambda: None, compressed=[topic.topic])
        await outbox.start()
        await outbox.write({topic: [Row(b"1", value), row(2, 10)]})
        await outbox.stop()

    asyncio.run(write())
    assert [len(record.value or b"") for record in read_topic(deployment.broker, topic.topic)] == [len(value), 10]
