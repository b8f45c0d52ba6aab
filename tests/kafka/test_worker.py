"""The worker as its operator sees it: Faust's own command, its output, its end, and a Kafka that falls silent."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.feed import in_disorder, records
from tests.kafka.scrape import assert_equal, merged_metrics, wait_equal, wait_until
from tests.kafka.topics import count_records, produce
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.made_log import CONFIG, FLOW_YAML, INSTANTS
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka

AT = INSTANTS[1]


class FaustWorker(Worker):
    """A worker that is started by Faust's command."""

    def __init__(self, deployment: Deployment, config: Path, *, clock: str) -> None:
        super().__init__(deployment, config, clock=clock)
        self._command = [str(Path(sys.executable).with_name("faust")), "-A", "stream.app", "worker"]
        self._environment |= {"FLOW_CONFIG": str(config), "FLOW_CLOCK": clock}


@pytest.fixture
def broker_of_its_own(tmp_path: Path) -> Iterator[Deployment]:
    with Broker() as broker:
        yield Deployment(broker, "own.", tmp_path)


def test_fausts_command_starts_the_same_worker(deployment: Deployment, made_events: list[Json]) -> None:
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), records(in_disorder(made_events, seed=3)))
    with FaustWorker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        shown = merged_metrics([worker.wait_ready()])
        worker.stop()
    assert_equal(shown, gauges(made_events, CONFIG, AT))


def test_a_worker_says_where_it_serves_and_when_it_is_ready(deployment: Deployment) -> None:
    with Worker(deployment, deployment.config(FLOW_YAML)) as worker:
        worker.wait_ready()
        worker.stop()
    address = f"http://127.0.0.1:{worker.port}"
    first, last = worker.log.splitlines()
    assert re.fullmatch(rf"flowgauge: reading \S+events at \S+; {address}/metrics, {address}/ready", first)
    assert last == "flowgauge: ready: the numbers are true"


def test_numbers_are_true_again_after_kafka_fell_silent(broker_of_its_own: Deployment, made_events: list[Json]) -> None:
    deployment = broker_of_its_own
    expected = gauges(made_events, CONFIG, AT)
    deployment.create_topics()
    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        worker.wait_ready()
        items = deployment.topic("items")
        produce(deployment.broker, deployment.topic("events"), records(in_disorder(made_events, seed=4)))
        wait_until(lambda: count_records(deployment.broker, items) > 0, "the first summaries")
        deployment.broker.pause()
        # Longer than a write may take: a worker in the middle of a write must end, one between writes may live.
        worker.wait_end(25)
        deployment.broker.resume()
        if not worker.alive:
            assert "flowgauge: stopped, nothing is acknowledged that is not done: Kafka" in worker.log
            assert "Traceback" not in worker.log
            worker.start()
        worker.wait_ready()
        wait_equal([worker], expected)
