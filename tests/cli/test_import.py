"""`flowgauge import`: the records that it sends, its report, and its errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

import aiokafka.errors
import pytest

from stream.cli import import_log
from tests.cli.command import FLOW_YAML, NO_KAFKA, Done, flowgauge

ROWS = (
    "item,time,state\n"
    "1,2026-03-01T10:00:00Z,To Do\n"
    "1,2026-03-02T10:00:00Z,In Progress\n"
    "2,yesterday,To Do\n"
    "3,2026-03-01T10:00:00Z,Done\n"
)


class Sent(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class Producer:
    """A producer that keeps what it is given, or answers with an error."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.error: Exception | None = None

    def __call__(self, **_: Any) -> Producer:
        return self

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def send(
        self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        self.sent.append(Sent(topic, key, value, dict(headers)))
        answer = asyncio.get_running_loop().create_future()
        if self.error is None:
            answer.set_result(None)
        else:
            answer.set_exception(self.error)
        return answer


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Producer:
    made = Producer()
    monkeypatch.setattr(import_log, "AIOKafkaProducer", made)
    monkeypatch.setattr(import_log, "ensure_topics", lambda _: [])
    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "changes.csv"
    path.write_text(ROWS)
    return path


def run(*arguments: object, **environ: str) -> Done:
    return flowgauge("import", *arguments, **environ)


def test_rows_become_events_and_dead_letters(producer: Producer, log: Path) -> None:
    done = run(log, "-c", FLOW_YAML, FLOW_TOPIC_PREFIX="acme.")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("imported 3 events of 2 items; 1 row refused (see flowgauge dead-letters list; ")
    assert "line 4: " in done.out
    events = [one for one in producer.sent if one.topic == "acme.events"]
    assert [(one.key, json.loads(one.value)["data"]["item"]) for one in events] == [
        (b"1", "1"),
        (b"1", "1"),
        (b"3", "3"),
    ]
    [letter] = [one for one in producer.sent if one.topic == "acme.dead-letters"]
    assert (letter.key, letter.value) == (None, b"2,yesterday,To Do")
    assert (letter.headers["flow_reason"], letter.headers["flow_file"], letter.headers["flow_line"]) == (
        b"bad_time", b"changes.csv", b"4",
    )  # fmt: skip


@pytest.mark.usefixtures("producer")
def test_json(log: Path) -> None:
    done = run(log, "-c", FLOW_YAML, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json == {
        "events": 3,
        "items": 2,
        "refused": 1,
        "refused_by_reason": {"bad_time": 1},
        "topic": "flow.events",
        "dead_letters": "flow.dead-letters",
    }


@pytest.mark.usefixtures("producer")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_but_refused_rows_is_exit_status_1(log: Path, options: list[str]) -> None:
    log.write_text("item,time,state\n2,yesterday,To Do\n")
    assert run(log, "-c", FLOW_YAML, *options).status == 1


@pytest.mark.usefixtures("producer")
def test_an_empty_log_is_no_failure(log: Path) -> None:
    log.write_text("item,time,state\n")
    assert run(log, "-c", FLOW_YAML).out == "imported 0 events of 0 items; 0 rows refused\n"


@pytest.mark.parametrize(
    ("error", "does", "fix"),
    [
        (aiokafka.errors.KafkaTimeoutError(), "does not answer", "Start it, or set FLOW_KAFKA_BROKERS"),
        (aiokafka.errors.TopicAuthorizationFailedError("flow.events"), "refuses", "then run it again"),
    ],
)
def test_what_kafka_says_is_one_line(producer: Producer, log: Path, error: Exception, does: str, fix: str) -> None:
    producer.error = error
    refusal = run(log, "-c", FLOW_YAML, "--brokers", "kafka-1:9092").refusal
    assert refusal.startswith(f"Kafka at 'kafka-1:9092' {does} (")
    assert fix in refusal


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'LOG'"),
        (["a.csv", "--map", "a"], "the mapping 'a' cannot be read"),
        (["a.csv", "--source", ""], "give a name of 1 to"),
        (["a.csv", "--at", "now"], "No such option: --at"),
        (["a.csv", "b.csv"], "unexpected extra argument"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in run(*arguments).wrong_use


@pytest.mark.usefixtures("producer")
def test_a_log_that_is_not_there() -> None:
    assert "'nowhere.csv' cannot be opened" in run("nowhere.csv", "-c", FLOW_YAML).refusal


def test_a_configuration_that_is_not_there(log: Path) -> None:
    assert "nowhere.yaml" in run(log, FLOW_CONFIG="nowhere.yaml").refusal


@pytest.mark.usefixtures("impatient")
def test_no_kafka(log: Path) -> None:
    refusal = run(log, "-c", FLOW_YAML, "--brokers", NO_KAFKA).refusal
    assert refusal.startswith(f"Kafka at '{NO_KAFKA}' does not answer")
