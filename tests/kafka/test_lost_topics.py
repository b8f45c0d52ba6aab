"""Topics that were deleted, created again, cut or given more partitions: no false number is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from tests.kafka.events import FLOW, doing, event, total
from tests.kafka.scrape import wait_until
from tests.kafka.topics import count_records, produce
from tests.kafka.worker import Deployment, Worker, one_refusal

pytestmark = pytest.mark.kafka

ITEMS = 400
NOTICED = 30


@contextmanager
def admin(deployment: Deployment) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=deployment.broker.bootstrap)
    try:
        yield client
    finally:
        client.close()


def delete(deployment: Deployment, name: str) -> None:
    with admin(deployment) as client:
        client.delete_topics([deployment.topic(name)])
        wait_until(lambda: client.describe_topics([deployment.topic(name)])[0]["error_code"] != 0, f"{name} is gone")


def cut(deployment: Deployment, name: str) -> None:
    """Delete all records of a topic with one partition, as retention would if somebody enabled it."""
    topic = deployment.topic(name)
    with admin(deployment) as client:
        for policy in ("delete", "compact"):
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": policy})])
            if policy == "delete":
                client.delete_records({TopicPartition(topic, 0): count_records(deployment.broker, topic)})


def folded(deployment: Deployment) -> Worker:
    """Run a worker until it has folded the items' events, then end it."""
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), doing(range(ITEMS)))
    with Worker(deployment, deployment.config(FLOW)) as worker:
        assert total(worker.wait_ready(), "flow_load_items") == ITEMS
        worker.stop()
    return worker


@pytest.mark.parametrize("how", ["deleted", "made again", "cut"])
def test_lost_summaries_are_derived_again(deployment: Deployment, how: str) -> None:
    worker = folded(deployment)
    if how == "cut":
        cut(deployment, "items")
    else:
        delete(deployment, "items")
    if how == "made again":
        deployment.create_topics()
    for _ in range(2):
        with worker:
            assert total(worker.wait_ready(), "flow_load_items") == ITEMS
            worker.stop()


@pytest.mark.parametrize("name", ["items", "histories"])
def test_a_topic_that_is_deleted_under_a_worker_ends_it(deployment: Deployment, name: str) -> None:
    worker = folded(deployment)
    with worker:
        worker.wait_ready()
        delete(deployment, name)
        while worker.alive:
            page = worker.get("/metrics")[1]
            assert "flow_ready 1.0" not in page or "flow_load_items{" in page
        assert f"'{deployment.topic(name)}' was deleted" in worker.log.splitlines()[-1]
    if name == "items":
        with worker:
            assert total(worker.wait_ready(), "flow_load_items") == ITEMS


def test_lost_histories_are_refused(deployment: Deployment) -> None:
    folded(deployment)
    delete(deployment, "histories")
    line = one_refusal(deployment.run("worker", "-c", str(deployment.config(FLOW)), timeout=60))
    assert deployment.topic("histories") in line
    assert "--reset-offsets --to-earliest" in line


def test_events_that_were_made_again_begin_at_their_beginning(deployment: Deployment) -> None:
    worker = folded(deployment)
    delete(deployment, "events")
    deployment.create_topics()
    # Fewer events than were folded from the former topic, so that offsets alone would not show the difference.
    produce(deployment.broker, deployment.topic("events"), [event(0, 1, state="Done"), *doing(range(ITEMS, ITEMS + 9))])
    with worker:
        assert total(worker.wait_ready(), "flow_load_items") == ITEMS + 8
        assert total(worker, "flow_velocity_items") == 1


def test_events_that_are_made_again_under_a_worker(deployment: Deployment) -> None:
    worker = folded(deployment)
    with worker:
        worker.wait_ready()
        delete(deployment, "events")
        deployment.create_topics()
        produce(deployment.broker, deployment.topic("events"), [event(0, 1, state="Done")])
        worker.wait_end(NOTICED)
        assert "was deleted and created again" in worker.log.splitlines()[-1]
    with worker:
        assert total(worker.wait_ready(), "flow_velocity_items") == 1
        assert total(worker, "flow_load_items") == ITEMS - 1


def test_partitions_that_are_added_are_noticed(deployment: Deployment) -> None:
    worker = folded(deployment)
    with worker:
        worker.wait_ready()
        with admin(deployment) as client:
            client.create_partitions({deployment.topic("events"): 8})
        wait_until(lambda: '"topics_changed"' in worker.get("/ready")[1], "the reason", NOTICED)
        assert "flowgauge topics repartition" in worker.get("/ready")[1]
        assert total(worker, "flow_load_items") == 0
