"""The real log shuffled, one event in five doubled: the numbers are the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.kafka.feed import in_disorder, records
from tests.kafka.scrape import assert_equal, merged_metrics, outcomes, wait_equal, wait_outcomes
from tests.kafka.topics import produce
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.real_log import CONFIG, FLOW_YAML, INSTANTS
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(("seed", "at"), [(1, INSTANTS[1]), (2, INSTANTS[2])])
def test_a_backlog_in_disorder(deployment: Deployment, real_events: list[Json], seed: int, at: datetime) -> None:
    many = in_disorder(real_events, seed)
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), records(many))

    with Worker(deployment, deployment.config(FLOW_YAML), clock=at.isoformat()) as worker:
        worker.wait_ready()
        shown = merged_metrics([worker])
        assert_equal(shown, gauges(real_events, CONFIG, at))
        assert outcomes(shown) == _expected(real_events, many)
        worker.stop()


def test_disorder_while_the_worker_runs(deployment: Deployment, real_events: list[Json]) -> None:
    many = in_disorder(real_events, seed=3)
    at = INSTANTS[1]
    with Worker(deployment, deployment.config(FLOW_YAML), clock=at.isoformat()) as worker:
        worker.wait_ready()
        produce(deployment.broker, deployment.topic("events"), records(many))
        wait_outcomes([worker], _expected(real_events, many))
        wait_equal([worker], gauges(real_events, CONFIG, at))
        worker.stop()


def _expected(events: Sequence[Json], many: Sequence[Json]) -> dict[str, int]:
    return {"applied": len(events), "duplicate": len(many) - len(events)}
