"""`flowgauge topics repartition`: to more and fewer partitions, interrupted at any moment, with the same numbers."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from stream.events.partition import partition_of
from stream.kafka.admin import plan
from stream.kafka.manage import members
from stream.settings import Settings
from tests.kafka.feed import records
from tests.kafka.jars import REPOSITORY
from tests.kafka.lives import AT, CONFIG, FLOW_YAML, assert_one_history_each, lives
from tests.kafka.scrape import merged_metrics, outcomes, wait_equal, wait_until
from tests.kafka.topics import Record, produce, read_topic
from tests.kafka.worker import Deployment, Worker, one_refusal
from tests.oracle.brute_force import gauges
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka

COMMAND = ("topics", "repartition", "--yes")


def test_more_partitions_then_fewer_with_unread_events_each_time(deployment: Deployment) -> None:
    events = lives(120)
    first, second, third = events[::3], events[1::3], events[2::3]
    deployment.create_topics()
    _work(deployment, first, first, {"applied": len(first)})
    _produce(deployment, second)

    done = _moved(deployment, 8)
    assert done == {"events": {"from": 4, "moved": 0}, "histories": {"from": 4, "moved": _items(first)}, "merged": 0}
    more = replace(deployment, events_partitions=8)
    assert plan(_settings(more)) == []
    # Folded events are not read again, and unread events are in their former partitions.
    misplaced = _work(more, [], first + second, {"applied": len(second)})
    assert misplaced > 0
    assert_one_history_each(more, _items(first + second), 8)

    _produce(more, third)
    before = _contents(more)
    done = _moved(more, 3)
    assert done["events"] == {"from": 8, "moved": before.total()}
    assert done["histories"] == {"from": 8, "moved": _items(first + second)}
    fewer = replace(deployment, events_partitions=3)
    assert plan(_settings(fewer)) == []
    assert _contents(fewer) == before
    assert _work(fewer, [], events, {"applied": len(third)}) == 0
    assert_one_history_each(fewer, 120, 3)


def test_partitions_that_were_added_by_accident(deployment: Deployment) -> None:
    events = lives(40)
    deployment.create_topics()
    _work(deployment, events[:60], events[:60], {"applied": 60})
    admin = AdminClient({"bootstrap.servers": deployment.broker.bootstrap})
    for answer in admin.create_partitions([NewPartitions(deployment.topic("events"), 8)]).values():
        answer.result(30)
    _produce(deployment, events[60:])
    for partitions in (4, 8):
        changed = replace(deployment, events_partitions=partitions)
        line = one_refusal(_worker(changed))
        assert line.endswith(f"Stop all workers, then run: flowgauge topics repartition --to {partitions}")
    _moved(deployment, 8)
    more = replace(deployment, events_partitions=8)
    _work(more, [], events, {"applied": len(events) - 60})
    _moved(more, 4)
    _work(deployment, [], events, {})
    assert_one_history_each(deployment, 40, 4)


def test_histories_in_wrong_partitions_are_put_right_and_merged(deployment: Deployment) -> None:
    # The state left by a version that did not check partitions: two histories of each item, each with a part.
    events = lives(30)
    deployment.create_topics()
    halves = []
    for number in range(2):
        half = [event for event in events if int(event["id"][-1]) % 2 == number]
        other = replace(deployment, prefix=f"{deployment.prefix}{number}.")
        other.create_topics()
        _work(other, half, half, {"applied": len(half)})
        halves.append({row.key: row.value for row in read_topic(deployment.broker, other.topic("histories"))})
    out = confluent_kafka.Producer({"bootstrap.servers": deployment.broker.bootstrap})
    for shift, rows in enumerate(halves):
        for key, row in rows.items():
            out.produce(deployment.topic("histories"), row, key, (partition_of(key or b"", 4) + shift) % 4)
    assert out.flush(30) == 0
    line = _worker(deployment).stderr.splitlines()[-1]
    assert "more to others. Stop all workers, then run: flowgauge topics repartition" in line
    both = len(halves[0].keys() & halves[1].keys())
    assert both == 30
    # A worker that refuses to start does not leave its group.
    wait_until(lambda: not members(_settings(deployment)), "an empty group")
    done = _moved(deployment, 4)
    assert (done["merged"], done["histories"]["moved"]) == (both, 30)
    _work(deployment, [], events, {})
    assert_one_history_each(deployment, 30, 4)
    again = deployment.run(*COMMAND)
    assert "nothing to do" in again.stdout


@pytest.mark.parametrize("to", [8, 3])
def test_killed_in_its_middle_again_and_again(deployment: Deployment, to: int) -> None:
    chance = random.Random(to)
    events = lives(400)
    deployment.create_topics()
    _work(deployment, events[:900], events[:900], {"applied": 900})
    _produce(deployment, events[900:])
    before = _contents(deployment)
    target = replace(deployment, events_partitions=to)
    kills = 0
    while kills < 6 and _killed(deployment, to, chance):
        kills += 1
        if kills == 1:
            for changed in (deployment, target):
                assert "run it again: flowgauge topics repartition" in one_refusal(_worker(changed))
            other = one_refusal(deployment.run(*COMMAND, "--to", "5"))
            assert f"finish it first: flowgauge topics repartition --to {to}" in other
    assert kills
    if _unfinished(deployment):
        finished = deployment.run(*COMMAND)
        assert finished.returncode == 0, finished.stderr
    assert _contents(target) == before
    assert plan(_settings(target)) == []
    _work(target, [], events, {"applied": len(events) - 900})
    assert_one_history_each(target, 400, to)


def test_what_is_refused_in_one_line(deployment: Deployment) -> None:
    assert "is missing. Create it: flowgauge topics apply" in one_refusal(deployment.run(*COMMAND))
    deployment.create_topics()
    assert "nothing to do" in deployment.run(*COMMAND).stdout
    embedded = deployment.run(*COMMAND, "--to", "8", FLOW_EMBEDDED="1")
    assert "embedded broker" in one_refusal(embedded)
    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        worker.wait_ready()
        assert "Stop all workers first" in one_refusal(deployment.run(*COMMAND, "--to", "8"))
        worker.stop()
    produce(deployment.broker, deployment.topic("events"), records(lives(3)))
    asked = deployment.run("topics", "repartition", "--to", "8")
    assert asked.returncode == 1
    assert "Go on? [y/N]" in asked.stderr
    assert not _unfinished(deployment)


def _worker(deployment: Deployment) -> subprocess.CompletedProcess[str]:
    """Start a worker that must refuse to start."""
    return deployment.run("worker", "-c", str(deployment.config(FLOW_YAML)), "--clock", AT.isoformat(), timeout=90)


def _work(deployment: Deployment, more: Sequence[Json], expected: Sequence[Json], counted: dict[str, int]) -> int:
    """Let a worker fold all events and some more, compare its numbers, and return how many events it rerouted."""
    _produce(deployment, more)
    name = f"w{time.monotonic_ns()}"
    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat(), name=name) as worker:
        worker.wait_ready()
        wait_equal([worker], gauges(list(expected), CONFIG, AT))
        found = outcomes(merged_metrics([worker]))
        sent_on = found.pop("rerouted", 0)
        assert found == counted
        worker.stop()
    return sent_on


def _produce(deployment: Deployment, events: Sequence[Json]) -> None:
    produce(deployment.broker, deployment.topic("events"), records(events))


def _killed(deployment: Deployment, to: int, chance: random.Random) -> bool:
    """Run the command and kill it some time after its first change. Returns False if it ended before."""
    command = [sys.executable, "-m", "stream", *COMMAND, "--to", str(to)]
    running = subprocess.Popen(command, env=deployment.environment(), cwd=REPOSITORY)
    while running.poll() is None and not _unfinished(deployment):
        time.sleep(0.05)
    with suppress(subprocess.TimeoutExpired):
        running.wait(chance.uniform(0.0, 2.5))
    running.kill()
    running.wait()
    return _unfinished(deployment)


def _moved(deployment: Deployment, to: int) -> dict[str, Any]:
    done = deployment.run(*COMMAND, "--to", str(to), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said.pop("to"), said.pop("done"), said.pop("resumed"), said.pop("left_out")) == (to, True, False, {})
    return said


def _contents(deployment: Deployment) -> Counter[tuple[Any, ...]]:
    """Count the events by their bytes."""
    found: Sequence[Record] = read_topic(deployment.broker, deployment.topic("events"))
    return Counter((one.key, one.value, tuple(one.headers)) for one in found)


def _items(events: Sequence[Json]) -> int:
    return len({event["data"]["item"] for event in events})


def _settings(deployment: Deployment) -> Settings:
    return Settings.from_env(deployment.environment())


def _unfinished(deployment: Deployment) -> bool:
    admin = AdminClient({"bootstrap.servers": deployment.broker.bootstrap})
    return deployment.topic("repartition") in admin.list_topics(timeout=30).topics
