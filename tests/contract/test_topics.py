"""What is declared, and what counts as a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.errors import KafkaError
from stream.kafka.admin import Existing, differences, ensure_topics, plan
from stream.kafka.topics import Topic, topics
from stream.settings import Settings

EVENTS = topics(Settings.from_env({}))[0]
BROKERS = "kafka-1:9092,kafka-2:9092"


def _as_declared(topic: Topic) -> Existing:
    return Existing(topic.partitions, {"compression.type": "producer", **topic.config})


def test_names_and_partitions_follow_the_settings() -> None:
    environ = {"FLOW_TOPIC_PREFIX": "acme.", "FLOW_EVENTS_PARTITIONS": "12", "FLOW_ITEMS_PARTITIONS": "3"}
    declared = {topic.name: topic.partitions for topic in topics(Settings.from_env(environ))}
    assert declared == {
        "acme.events": 12,
        "acme.items": 3,
        "acme.histories": 12,
        "acme.dead-letters": 1,
        "acme.metrics": 3,
        "acme.alerts": 3,
    }


def test_partitions_name_the_variable_that_sets_them() -> None:
    for topic in topics(Settings.from_env({})):
        changed = topics(Settings.from_env({topic.setting: "7"})) if topic.setting else ()
        assert [one.partitions for one in changed if one.name == topic.name] == [7] * bool(topic.setting)


def test_only_events_have_the_brokers_time() -> None:
    stamped = {topic.name: topic.config.get("message.timestamp.type") for topic in topics(Settings.from_env({}))}
    assert stamped["flow.events"] == "LogAppendTime"
    assert stamped["flow.items"] == "CreateTime"


def test_a_topic_as_declared_has_no_difference() -> None:
    assert differences([EVENTS], {EVENTS.name: _as_declared(EVENTS)}, BROKERS) == []


def test_numbers_are_compared_as_numbers() -> None:
    there = Existing(EVENTS.partitions, {**EVENTS.config, "retention.ms": "2592000000.0"})
    assert differences([EVENTS], {EVENTS.name: there}, BROKERS) == []


def test_missing_topic() -> None:
    [found] = differences([EVENTS], {}, BROKERS)
    assert str(found) == "topic 'flow.events' is missing. Create it: flowgauge topics apply"


def test_other_partitions_name_the_variable() -> None:
    there = replace(_as_declared(EVENTS), partitions=8)
    [found] = differences([EVENTS], {EVENTS.name: there}, BROKERS)
    assert (found.what, found.actual, found.declared) == ("partitions", "8", "4")
    assert str(found) == (
        "topic 'flow.events': partitions is 8, must be 4. Set FLOW_EVENTS_PARTITIONS=8; or drop the topic "
        f"with all its records: kafka-topics.sh --bootstrap-server {BROKERS} --delete --topic flow.events"
    )


@pytest.mark.parametrize("key", EVENTS.config)
def test_other_configuration_names_the_command(key: str) -> None:
    there = Existing(EVENTS.partitions, {**EVENTS.config, key: "1"})
    [found] = differences([EVENTS], {EVENTS.name: there}, BROKERS)
    assert (found.what, found.actual, found.declared) == (key, "1", EVENTS.config[key])
    assert found.mend == (
        f"Set it: kafka-configs.sh --bootstrap-server {BROKERS} --alter --entity-type topics "
        f"--entity-name flow.events --add-config {key}={EVENTS.config[key]}"
    )


def test_configuration_that_kafka_does_not_know() -> None:
    config = {key: value for key, value in EVENTS.config.items() if key != "retention.ms"}
    [found] = differences([EVENTS], {EVENTS.name: Existing(EVENTS.partitions, config)}, BROKERS)
    assert (found.what, found.actual) == ("retention.ms", "unknown to this Kafka")


def test_the_embedded_broker_is_not_asked() -> None:
    # Nobody listens on port 1, so that asking would fail.
    settings = Settings.from_env({"FLOW_EMBEDDED": "1", "FLOW_KAFKA_BROKERS": "127.0.0.1:1"})
    assert plan(settings) == []
    assert ensure_topics(settings) == []


def test_kafka_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.kafka.admin.REACH_MS", 200)
    settings = Settings.from_env({"FLOW_KAFKA_BROKERS": "127.0.0.1:1"})
    with pytest.raises(KafkaError) as caught:
        ensure_topics(settings)
    message = str(caught.value)
    assert message.startswith("Kafka at '127.0.0.1:1' does not answer (")
    assert message.endswith("Start it, or set FLOW_KAFKA_BROKERS")
    assert "\n" not in message
