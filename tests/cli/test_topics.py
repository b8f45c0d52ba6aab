"""`flowgauge topics`: its output, exit status and errors."""

from __future__ import annotations

import pytest

from stream.cli import topics as cli
from stream.kafka.admin import Difference
from tests.cli.command import NO_KAFKA, Done, flowgauge

NAMES = [f"flow.{name}" for name in ("events", "items", "histories", "dead-letters", "metrics", "alerts")]
MISSING = Difference("flow.items", "topic", "missing", "flow.items", "Create it: flowgauge topics apply")


def run(*arguments: object, **more: str) -> Done:
    return flowgauge("topics", *arguments, **more)


def test_list_asks_no_kafka() -> None:
    done = run("list", "--json", FLOW_KAFKA_BROKERS=NO_KAFKA, FLOW_EVENTS_PARTITIONS="7")
    assert (done.status, done.err) == (0, "")
    assert [topic["name"] for topic in done.json] == NAMES
    assert done.json[0]["partitions"] == 7


def test_the_table_names_all_topics() -> None:
    done = run("list", FLOW_TOPIC_PREFIX="acme.")
    assert (done.status, done.err) == (0, "")
    for name in NAMES:
        assert name.replace("flow.", "acme.") in done.out


@pytest.mark.parametrize("found", [[], [MISSING]])
def test_differences_are_exit_status_1(found: list[Difference], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "plan", lambda _: found)
    status = 1 if found else 0
    done, as_json = run("diff"), run("diff", "--json")
    assert (done.status, as_json.status) == (status, status)
    assert done.out == (f"{MISSING}\n" if found else f"{len(NAMES)} topics are as they must be\n")
    assert [one["topic"] for one in as_json.json] == [one.topic for one in found]


def test_apply_names_what_it_created_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Difference("flow.items", "cleanup.policy", "delete", "compact", "Set it: flowgauge topics apply")
    monkeypatch.setattr(cli, "apply_topics", lambda _: (NAMES[:1], [other]))
    assert run("apply", "--json").json == {"created": NAMES[:1], "set": ["flow.items cleanup.policy=compact"]}
    assert run("apply").out.splitlines() == [
        f"created {NAMES[0]}",
        "set cleanup.policy=compact of flow.items, which was delete",
        f"{len(NAMES)} topics are as they must be",
    ]


@pytest.mark.parametrize("command", ["diff", "apply"])
def test_the_embedded_broker_makes_its_own(command: str) -> None:
    done = run(command, FLOW_EMBEDDED="1", FLOW_KAFKA_BROKERS=NO_KAFKA)
    assert (done.status, done.out) == (0, f"{cli.EMBEDDED}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Commands: apply Create missing topics"),
        (["drop"], "No such command 'drop'."),
        (["list", "flow.events"], "unexpected extra argument"),
        (["repartition", "--to", "0"], "Invalid value for '--to'"),
        (["repartition", "--to", "10001"], "Invalid value for '--to'"),
        (["repartition", "--to", "many"], "Invalid value for '--to'"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in run(*arguments).wrong_use


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("arguments", [["diff"], ["diff", "--json"], ["apply"], ["repartition", "--to", "2"]])
def test_no_kafka(arguments: list[str]) -> None:
    refusal = run("--brokers", NO_KAFKA, *arguments).refusal
    assert refusal.startswith(f"Kafka at '{NO_KAFKA}' does not answer")


def test_the_embedded_broker_is_not_repartitioned() -> None:
    assert "FLOW_EMBEDDED must not be 1" in run("repartition", "--to", "2", FLOW_EMBEDDED="1").refusal
