"""A backlog so large that its batches are gathered. Its worker is killed in the middle, and another joins.

It runs on the generated log only, which halves the time. `test_whole_log.py` runs on both logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from tests.kafka.feed import records
from tests.kafka.scrape import wait_equal, wait_until
from tests.kafka.topics import count_records, produce
from tests.kafka.worker import Deployment, Worker, all_ready
from tests.oracle.brute_force import gauges
from tests.oracle.made_log import CONFIG, FLOW_YAML, INSTANTS
from tests.oracle.rules import Json
from tests.oracle.series import Series

pytestmark = pytest.mark.kafka

AT = INSTANTS[2]
# Copies of the log's 6,660 events: some 50,000 in each of four partitions, more than twice the gathering limit far from
# the end.
COPIES = 30
COUNTS = ("flow_load_items", "flow_velocity_items", "flow_arrivals_items", "flow_state_items", "flow_elapsed_seconds")


def counts(found: Mapping[Series, float]) -> dict[Series, float]:
    """Keep the metrics that are proportional to the number of copies."""
    return {series: value for series, value in found.items() if series[0] in COUNTS}


def test_a_backlog_that_is_gathered_survives_a_kill_and_a_rebalance(
    deployment: Deployment, made_events: list[Json]
) -> None:
    expected = {series: COPIES * value for series, value in counts(gauges(made_events, CONFIG, AT)).items()}
    deployment.create_topics()
    for copy in range(COPIES):
        produce(deployment.broker, deployment.topic("events"), records(_copy(made_events, copy)))
    config, histories = deployment.config(FLOW_YAML), deployment.topic("histories")
    joining = Worker(deployment, config, clock=AT.isoformat(), name="joining")
    with ExitStack() as stack, Worker(deployment, config, clock=AT.isoformat(), name="killed") as killed:
        wait_until(lambda: count_records(deployment.broker, histories) > 0, "a first row")
        killed.kill()
        in_between = count_records(deployment.broker, histories)
        killed.start()
        wait_until(lambda: count_records(deployment.broker, histories) > in_between, "a row of the second attempt")
        stack.enter_context(joining)
        all_ready([killed, joining])
        wait_equal([killed, joining], expected, counts)
        killed.stop()
        joining.wait_ready()
        wait_equal([joining], expected, counts)


def _copy(events: list[Json], number: int) -> list[Json]:
    """Return the same events for other items."""
    return [
        {
            **event,
            "id": f"{number}/{event['id']}",
            "data": {**event["data"], "item": f"{number}/{event['data']['item']}"},
        }
        for event in events
    ]
