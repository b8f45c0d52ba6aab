"""The broker of the other tests."""

from __future__ import annotations

import asyncio
import shutil
import socket

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import TopicAlreadyExistsError

from tests.kafka import jars
from tests.kafka.broker import Broker
from tests.kafka.topics import Record, count_records, create_topic, produce, read_topic, topic_config

pytestmark = pytest.mark.kafka


def test_what_is_written_is_read_back_byte_for_byte(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}echo"
    create_topic(kafka, topic, partitions=3, configs={"max.message.bytes": str(16 * 1024 * 1024)})
    written = [Record(b"%d" % n, bytes([n % 256, 0, 255]), (("n", b"%d" % n),)) for n in range(300)]
    written += [Record(b"tombstone", None), Record(None, b"no key"), Record(b"large", b"\x00" * 10_000_000)]

    assert produce(kafka, topic, written) == len(written)

    found = read_topic(kafka, topic)
    assert sorted(map(_bytes, found)) == sorted(map(_bytes, written))
    assert {record.partition for record in found} == {0, 1, 2}
    assert count_records(kafka, topic) == len(written)


def test_records_of_one_key_keep_their_order(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}order"
    create_topic(kafka, topic, partitions=3)
    produce(kafka, topic, [Record(b"item", b"%d" % n) for n in range(500)])
    assert [record.value for record in read_topic(kafka, topic)] == [b"%d" % n for n in range(500)]


def test_a_compacted_topic_is_accepted(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}compacted"
    create_topic(kafka, topic, configs={"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"})
    settings = topic_config(kafka, topic)
    assert settings["cleanup.policy"] == "compact"
    assert settings["min.cleanable.dirty.ratio"] == "0.01"


def test_topics_do_not_appear_by_themselves(kafka: Broker, topic_prefix: str) -> None:
    assert count_records(kafka, f"{topic_prefix}nobody-made-me") == 0
    with pytest.raises(LookupError):
        read_topic(kafka, f"{topic_prefix}nobody-made-me")
    create_topic(kafka, f"{topic_prefix}made")
    with pytest.raises(TopicAlreadyExistsError):
        create_topic(kafka, f"{topic_prefix}made")


def test_a_stopped_broker_is_gone() -> None:
    with Broker() as broker:
        host, port = broker.bootstrap.split(":")
        broker.pause()
        broker.resume()
        create_topic(broker, "after-the-pause")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0
    broker.stop()


def test_what_was_acknowledged_outlives_a_kill() -> None:
    with Broker(proxied=1) as broker:
        create_topic(broker, "kept")
        produce(broker, "kept", [Record(b"item", b"1")])
        broker.kill()
        broker.start()
        assert [record.value for record in read_topic(broker, "kept")] == [b"1"]
        _reach_it_through_its_proxy_only(broker)


def _reach_it_through_its_proxy_only(broker: Broker) -> None:
    (proxy,) = broker.proxies

    async def ports() -> list[int]:
        client = AIOKafkaAdminClient(bootstrap_servers=proxy.address)
        await client.start()
        try:
            return [node["port"] for node in (await client.describe_cluster())["brokers"]]
        finally:
            await client.close()

    assert asyncio.run(ports()) == [proxy.port]


def test_the_broker_has_kafkas_own_limits(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}default"
    create_topic(kafka, topic)
    assert topic_config(kafka, topic)["max.message.bytes"] == "1048588"


def test_without_java_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(jars.BrokerError, match="apt install openjdk-17-jre-headless maven"), Broker():
        pass


def _bytes(record: Record) -> tuple[bytes, bytes, str]:
    return (
        record.key or b"",
        record.value or b"",
        repr((record.key is None, record.value is None, record.headers)),
    )
