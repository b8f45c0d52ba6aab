"""The changes of topics take effect on a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.topics import cut_topic, delete_topic, write
from tests.kafka.broker import Broker
from tests.kafka.topics import Record, create_topic, produce, read_topic, topic_config

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


def test_a_compacted_topic_is_cut_and_stays_compacted(broker: Broker) -> None:
    create_topic(broker, "cut", configs={"cleanup.policy": "compact"})
    produce(broker, "cut", [Record(b"%d" % number, b"x") for number in range(10)])
    cut_topic(broker, "cut", 1, 0.7)
    assert [record.offset for record in read_topic(broker, "cut")] == [7, 8, 9]
    assert topic_config(broker, "cut")["cleanup.policy"] == "compact"


def test_a_deleted_topic_is_gone(broker: Broker) -> None:
    create_topic(broker, "gone")
    delete_topic(broker, "gone")
    with pytest.raises(LookupError):
        read_topic(broker, "gone")


def test_a_large_record_that_compresses_well_is_small_for_kafka(broker: Broker) -> None:
    create_topic(broker, "large")
    write(broker, "large", b"key", b" " * 30_000_000, compressed=True)
    (record,) = read_topic(broker, "large")
    assert record.value == b" " * 30_000_000
