"""The generated and the real log, imported, measured at three instants, and replayed without a broker."""

from __future__ import annotations

import json

import pytest

from tests.kafka.scrape import assert_equal, merged_metrics, outcomes
from tests.kafka.topics import count_records
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import compare_numbers, gauges, numbers
from tests.oracle.logs import Log

pytestmark = pytest.mark.kafka


def test_workers_show_what_the_oracle_counts(deployment: Deployment, whole_log: Log) -> None:
    config = deployment.config(whole_log.flow_yaml)
    # Twice: importing a file again must change nothing.
    for times in (1, 2):
        done = deployment.run("import", str(whole_log.path), "-c", str(config), *whole_log.options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert count_records(deployment.broker, deployment.topic("events")) == times * len(whole_log.events)

    for number, at in enumerate(whole_log.instants):
        with Worker(deployment, config, clock=at.isoformat(), name=f"at-{at:%Y-%m}") as worker:
            worker.wait_ready()
            shown = merged_metrics([worker])
            assert_equal(shown, gauges(whole_log.events, whole_log.config, at))
            if number == 0:
                assert outcomes(shown) == {"applied": len(whole_log.events), "duplicate": len(whole_log.events)}
            worker.stop()


@pytest.mark.parametrize("instant", [0, 1, 2])
def test_replay_prints_what_the_oracle_counts(deployment: Deployment, whole_log: Log, instant: int) -> None:
    log, at = whole_log, whole_log.instants[instant]
    options = ["-c", str(deployment.config(log.flow_yaml)), *log.options, "--json", "--at", at.isoformat()]
    done = deployment.run("replay", str(log.path), *options, FLOW_KAFKA_BROKERS="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert compare_numbers(json.loads(done.stdout), numbers(log.events, log.config, at)) == []
