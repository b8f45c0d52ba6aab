"""A real log, imported and measured at three instants of its time, and replayed without a broker."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.kafka.scrape import assert_equal, merged_metrics, outcomes
from tests.kafka.topics import count_records
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import compare_numbers, gauges, numbers
from tests.oracle.real_log import CONFIG, FLOW_YAML, INSTANTS, LOG, MAPPING
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka

MAPS = [word for column, name in MAPPING.items() for word in ("--map", f"{column}={name}")]


def test_workers_show_what_the_oracle_counts(deployment: Deployment, real_events: list[Json]) -> None:
    config = deployment.config(FLOW_YAML)
    # Twice: a file imported again must change nothing.
    for times in (1, 2):
        done = deployment.run("import", str(LOG), "-c", str(config), *MAPS)
        assert done.returncode == 0, done.stdout + done.stderr
        assert count_records(deployment.broker, deployment.topic("events")) == times * len(real_events)

    for number, at in enumerate(INSTANTS):
        with Worker(deployment, config, clock=at.isoformat(), name=f"at-{at:%Y-%m}") as worker:
            worker.wait_ready()
            shown = merged_metrics([worker])
            assert_equal(shown, gauges(real_events, CONFIG, at))
            if number == 0:
                assert outcomes(shown) == {"applied": len(real_events), "duplicate": len(real_events)}
            worker.stop()


@pytest.mark.parametrize("at", INSTANTS, ids=lambda at: f"{at:%Y-%m}")
def test_replay_prints_what_the_oracle_counts(deployment: Deployment, real_events: list[Json], at: datetime) -> None:
    config = deployment.config(FLOW_YAML)
    done = deployment.run(
        "replay", str(LOG), "-c", str(config), *MAPS, "--json", "--at", at.isoformat(), FLOW_KAFKA_BROKERS=""
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert compare_numbers(json.loads(done.stdout), numbers(real_events, CONFIG, at)) == []
