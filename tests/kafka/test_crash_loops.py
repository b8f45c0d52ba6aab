"""No record of others ends a worker, at each start, or ever; Kafka has its own default limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.kafka.test_adversity import FLOW, NOW, event, total
from tests.kafka.topics import produce
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka


@pytest.fixture
def one(deployment: Deployment) -> Deployment:
    """A deployment with one partition of each topic, and the topics made."""
    one = replace(deployment, events_partitions=1)
    one.create_topics()
    return one


def test_an_item_with_very_many_long_states_is_counted(one: Deployment) -> None:
    states = ["Doing", *[f"{number:04}".ljust(256, "é") for number in range(1_100)], "Done"]
    produce(one.broker, one.topic("events"), [event(1, number, state=state) for number, state in enumerate(states)])
    # Ten minutes each, from five days ago on: the finish lies ahead.
    clock = (NOW + timedelta(days=5)).isoformat()
    with Worker(one, one.config(FLOW), clock=clock) as worker:
        worker.wait_ready()
        assert total(worker, "flow_velocity_items") == 1
        assert total(worker, "flow_summaries_merged_total") >= 1
        assert total(worker, "flow_state_seconds") == total(worker, "flow_elapsed_seconds") == 1_101 * 600
        worker.stop()
