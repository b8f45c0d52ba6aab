"""A worker that finds the topics of the release before backlogs: everything is derived again once, and never mixed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kafka.feed import in_disorder, portions, records
from tests.kafka.scrape import assert_equal, merged_metrics, wait_until
from tests.kafka.topics import produce, read_topic
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.made_log import CONFIG, FLOW_YAML, INSTANTS
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka

AT = INSTANTS[1]
FORMER = Path(__file__).parent / "former"


def test_topics_of_the_release_before_backlogs(deployment: Deployment, made_events: list[Json]) -> None:
    deployment.create_topics()
    config = deployment.config(FLOW_YAML)
    first, second = portions(records(in_disorder(made_events, seed=31)), 2)
    produce(deployment.broker, deployment.topic("events"), first)
    path = os.pathsep.join(filter(None, [str(FORMER), os.environ.get("PYTHONPATH")]))
    with Worker(deployment, config, clock=AT.isoformat(), name="former", environment={"PYTHONPATH": path}) as former:
        former.wait_ready()
        wait_until(lambda: _live(deployment, "alerts") and len(_live(deployment, "metrics")) > 10, "the feed")
        former.stop()
    assert {summary["v"] for summary in _live(deployment, "items").values()} == {2}
    assert _keys_with_backlog(deployment) == {False}

    produce(deployment.broker, deployment.topic("events"), second)
    with Worker(deployment, config, clock=AT.isoformat(), name="present") as present:
        shown = merged_metrics([present.wait_ready()])
        assert_equal(shown, gauges(made_events, CONFIG, AT))
        wait_until(lambda: _keys_with_backlog(deployment) == {True}, "the feed")
        present.stop()
    assert {summary["v"] for summary in _live(deployment, "items").values()} == {3}


def _live(deployment: Deployment, topic: str) -> Mapping[bytes, Json]:
    """Return what compaction keeps of a topic, without tombstones."""
    newest = {record.key or b"": record.value for record in read_topic(deployment.broker, deployment.topic(topic))}
    return {key: json.loads(value) for key, value in newest.items() if value is not None}


def _keys_with_backlog(deployment: Deployment) -> set[bool]:
    """Return whether the keys of the feed's live records name the only backlog; those of targets name none."""
    keys = [json.loads(key) for topic in ("metrics", "alerts") for key in _live(deployment, topic)]
    return {"all" in key for key in keys if key[0] != "target"}
