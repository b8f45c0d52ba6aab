"""Topics and dead letters on a real Kafka."""

from __future__ import annotations

import json
import random

import pytest
from click.testing import CliRunner, Result

from stream.cli import dead_letters
from stream.cli import topics as topics_command
from stream.errors import KafkaError
from stream.kafka.admin import ensure_topics, kafka_admin, plan
from stream.kafka.journal import RepartitionJournal
from stream.kafka.manage import Topics
from stream.kafka.topics import topics
from stream.settings import Settings
from tests.kafka.broker import Broker
from tests.kafka.topics import Record, count_records, create_topic, produce, read_topic

pytestmark = pytest.mark.kafka

MIB = 1024 * 1024


@pytest.fixture
def environ(kafka: Broker, topic_prefix: str) -> dict[str, str]:
    return {"FLOW_KAFKA_BROKERS": kafka.bootstrap, "FLOW_TOPIC_PREFIX": topic_prefix}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_env(environ)


def test_missing_topics_are_created_once_and_are_as_declared(settings: Settings) -> None:
    declared = [topic.name for topic in topics(settings)]
    assert [one.topic for one in plan(settings)] == declared
    assert ensure_topics(settings) == declared
    assert plan(settings) == []
    assert ensure_topics(settings) == []


def test_a_topic_with_other_partitions_is_refused_and_nothing_made(settings: Settings, kafka: Broker) -> None:
    events = topics(settings)[0]
    create_topic(kafka, events.name, partitions=8, configs=events.config)
    with pytest.raises(KafkaError) as caught:
        ensure_topics(settings)
    expected = f"topic '{events.name}': partitions is 8, must be 4. Set FLOW_EVENTS_PARTITIONS=8"
    assert str(caught.value) == expected
    others = len(topics(settings)) - 1
    assert [one.what for one in plan(settings)] == ["partitions", *["missing"] * others]


def test_a_topic_with_another_policy_is_refused_until_it_is_set(
    settings: Settings, kafka: Broker, environ: dict[str, str]
) -> None:
    items = topics(settings)[1]
    create_topic(kafka, items.name, configs={**items.config, "cleanup.policy": "delete"})
    with pytest.raises(KafkaError, match="cleanup.policy is delete, must be compact. Set it: flowgauge topics apply"):
        ensure_topics(settings)
    made = _json(CliRunner().invoke(topics_command.command, ["apply", "--json"], env=environ))
    assert made["set"] == [f"{items.name} cleanup.policy=compact"]
    assert len(made["created"]) == len(topics(settings)) - 1
    assert plan(settings) == []


def test_a_repartition_killed_before_its_first_note_locks_nobody_out(
    environ: dict[str, str], settings: Settings
) -> None:
    ensure_topics(settings)
    with kafka_admin(settings) as admin:
        RepartitionJournal(settings).begin(Topics(admin), 1)
    runner = CliRunner()
    refused = runner.invoke(topics_command.command, ["apply"], env=environ)
    assert "a repartition is under way" in str(refused.exception)
    for command in (["repartition", "--yes"], ["apply"]):
        found = runner.invoke(topics_command.command, command, env=environ)
        assert found.exit_code == 0, found.output


def test_too_few_brokers_name_the_variable(environ: dict[str, str]) -> None:
    settings = Settings.from_env({**environ, "FLOW_REPLICATION_FACTOR": "3"})
    with pytest.raises(KafkaError, match="cannot be created: .* Lower FLOW_REPLICATION_FACTOR, which is 3"):
        ensure_topics(settings)


def test_topics_command(environ: dict[str, str], settings: Settings) -> None:
    assert CliRunner().invoke(topics_command.command, ["diff"], env=environ).exit_code == 1
    made = _json(CliRunner().invoke(topics_command.command, ["apply", "--json"], env=environ))
    assert made == {"created": [topic.name for topic in topics(settings)], "set": []}
    assert _json(CliRunner().invoke(topics_command.command, ["diff", "--json"], env=environ)) == []


def test_dead_letters_are_listed(environ: dict[str, str], settings: Settings, kafka: Broker) -> None:
    letters = _make_letters(settings, kafka)
    rows = [json.loads(line) for line in _letters(environ, "list", "--json").stdout.splitlines()]
    assert [row["offset"] for row in rows] == list(range(len(letters)))
    assert [row["size"] for row in rows] == [None if one.value is None else len(one.value) for one in letters]
    assert rows[1]["source"] == {"topic": settings.topic("events"), "partition": 2, "offset": 41}
    assert rows[-1]["source"] == {"file": "changes.csv", "line": 17}
    only = _letters(environ, "list", "--json", "--reason", "not_json").stdout.splitlines()
    assert [json.loads(line)["reason"] for line in only] == ["not_json"] * 2
    assert "5 dead letters: the newest 2 are shown" in _letters(environ, "list", "--limit", "2").stdout


def test_redrive_sends_bytes_and_headers_unchanged(environ: dict[str, str], settings: Settings, kafka: Broker) -> None:
    letters = _make_letters(settings, kafka)
    done = _letters(environ, "redrive", "--yes")
    assert "sent 4, skipped 1" in done.stdout
    assert "skipping 1 from a file: fix the row there and import it again" in done.stderr
    arrived = read_topic(kafka, settings.topic("events"))
    sent = [(one.key, one.value, [("trace", b"\xff\x00")]) for one in letters[:-1]]
    assert sorted(((one.key, one.value, list(one.headers)) for one in arrived), key=str) == sorted(sent, key=str)
    assert count_records(kafka, settings.topic("dead-letters")) == len(letters)


def test_redrive_of_a_selection_asks_first(environ: dict[str, str], settings: Settings, kafka: Broker) -> None:
    letters = _make_letters(settings, kafka)
    command = ["redrive", "--offset", "1", "--reason", "bad_time"]
    refused = CliRunner().invoke(dead_letters.command, command, env=environ, input="n\n")
    assert refused.exit_code == 1
    assert "Send 1 dead letters to their topic again?" in refused.stderr
    assert read_topic(kafka, settings.topic("events")) == []
    CliRunner().invoke(dead_letters.command, command, env=environ, input="y\n", catch_exceptions=False)
    [arrived] = read_topic(kafka, settings.topic("events"))
    assert (arrived.key, arrived.value) == (letters[1].key, letters[1].value)


def test_without_topic_the_command_says_how_to_make_it(settings: Settings) -> None:
    with pytest.raises(KafkaError, match="dead-letters' is missing. Create it: flowgauge topics apply"):
        list(dead_letters.read(settings))


def _make_letters(settings: Settings, kafka: Broker) -> list[Record]:
    ensure_topics(settings)
    noise = random.Random(1)
    letters = [
        Record(b"1", b"not json", _headers(settings, "not_json")),
        Record(b"2", b'{"time": "yesterday"}', _headers(settings, "bad_time")),
        Record(b"3", None, _headers(settings, "tombstone")),
        # As large as the events topic accepts, and not compressible.
        Record(None, noise.randbytes(16 * MIB - 32 * 1024), _headers(settings, "not_json")),
        Record(
            b"4",
            b"5,now",
            [("flow_reason", b"bad_field"), ("flow_file", b"changes.csv"), ("flow_line", b"17")],
        ),
    ]
    produce(kafka, settings.topic("dead-letters"), letters)
    return letters


def _headers(settings: Settings, reason: str) -> list[tuple[str, bytes]]:
    return [
        ("trace", b"\xff\x00"),
        ("flow_reason", reason.encode()),
        ("flow_detail", b"what and why"),
        ("flow_topic", settings.topic("events").encode()),
        ("flow_partition", b"2"),
        ("flow_offset", b"41"),
        ("flow_arrival", b"2026-11-22T10:15:01Z"),
    ]


def _letters(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(dead_letters.command, arguments, env=environ, catch_exceptions=False)


def _json(result: Result) -> object:
    assert result.exit_code == 0
    return json.loads(result.stdout)
