"""A shuffled log with one event in five duplicated: the numbers are the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.kafka.feed import in_disorder, records
from tests.kafka.scrape import assert_equal, merged_metrics, outcomes, wait_equal, wait_outcomes
from tests.kafka.topics import produce
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.logs import Log
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(("seed", "instant"), [(1, 1), (2, 2)])
def test_a_backlog_in_disorder(deployment: Deployment, whole_log: Log, seed: int, instant: int) -> None:
    log, at = whole_log, whole_log.instants[instant]
    many = in_disorder(log.events, seed)
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), records(many))

    with Worker(deployment, deployment.config(log.flow_yaml), clock=at.isoformat()) as worker:
        worker.wait_ready()
        shown = merged_metrics([worker])
        assert_equal(shown, gauges(log.events, log.config, at))
        assert outcomes(shown) == _expected(log.events, many)
        worker.stop()


def test_disorder_while_the_worker_runs(deployment: Deployment, made_log: Log) -> None:
    log, at = made_log, made_log.instants[1]
    many = in_disorder(log.events, seed=3)
    with Worker(deployment, deployment.config(log.flow_yaml), clock=at.isoformat()) as worker:
        worker.wait_ready()
        produce(deployment.broker, deployment.topic("events"), records(many))
        wait_outcomes([worker], _expected(log.events, many))
        wait_equal([worker], gauges(log.events, log.config, at))
        worker.stop()


def _expected(events: Sequence[Json], many: Sequence[Json]) -> dict[str, int]:
    return {"applied": len(events), "duplicate": len(many) - len(events)}
