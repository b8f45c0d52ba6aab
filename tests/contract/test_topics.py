"""What is declared, and what counts as a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.errors import KafkaError
from stream.kafka.admin import Existing, differences, ensure_topics, plan
from stream.kafka.topics import Topic, topics
from stream.settings import Settings

ALL = topics(Settings.from_env({}))
EVENTS = ALL[0]
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


@pytest.mark.parametrize(
    ("events", "histories", "fix"),
    [
        (8, 8, "Set FLOW_EVENTS_PARTITIONS=8 if that is meant; else stop all workers, then run: {move}"),
        (8, 4, "Stop all workers, then run: {move}"),
        (4, 8, "Stop all workers, then run: {move}"),
        (3, 8, "Stop all workers, then run: {move}"),
        (8, None, "Set FLOW_EVENTS_PARTITIONS=8"),
    ],
)
def test_other_partitions_of_events_and_histories_name_one_way_out(
    events: int, histories: int | None, fix: str
) -> None:
    declared = [topic for topic in ALL if topic.setting == "FLOW_EVENTS_PARTITIONS"]
    there = {
        topic.name: replace(_as_declared(topic), partitions=partitions)
        for topic, partitions in zip(declared, (events, histories), strict=True)
        if partitions is not None
    }
    found = [one for one in differences(declared, there, BROKERS) if one.what == "partitions"]
    assert [(one.topic, one.actual, one.declared) for one in found] == [
        (topic.name, str(partitions), "4")
        for topic, partitions in zip(declared, (events, histories), strict=True)
        if partitions not in (4, None)
    ]
    assert {one.fix for one in found} == {fix.format(move="flowgauge topics repartition --to 4")}


def test_other_partitions_of_what_is_derived_say_what_deleting_it_means() -> None:
    for topic in (topic for topic in ALL if topic.setting == "FLOW_ITEMS_PARTITIONS"):
        [found] = differences([topic], {topic.name: replace(_as_declared(topic), partitions=3)}, BROKERS)
        delete = f"kafka-topics.sh --bootstrap-server {BROKERS} --delete --topic {topic.name}"
        assert str(found).startswith(f"topic {topic.name!r}: partitions is 3, must be 1. Set FLOW_ITEMS_PARTITIONS=3;")
        assert f"or, with all workers stopped, delete it ({topic.deleted}): {delete}" in found.fix
        assert topic.deleted


def test_nobody_is_told_to_drop_what_cannot_be_derived() -> None:
    facts = {"flow.events", "flow.histories", "flow.dead-letters"}
    assert {topic.name for topic in ALL if not topic.deleted} == facts
    for topic in (topic for topic in ALL if topic.name in facts):
        [found] = differences([topic], {topic.name: replace(_as_declared(topic), partitions=99)}, BROKERS)
        assert "--delete" not in found.fix


@pytest.mark.parametrize("key", EVENTS.config)
def test_other_configuration_names_the_command(key: str) -> None:
    there = Existing(EVENTS.partitions, {**EVENTS.config, key: "1"})
    [found] = differences([EVENTS], {EVENTS.name: there}, BROKERS)
    assert (found.what, found.actual, found.declared) == (key, "1", EVENTS.config[key])
    assert found.fix == "Set it: flowgauge topics apply"


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
