"""A wall clock that was in the future and is set back: future events do not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.kafka.events import FLOW, doing, event, total
from tests.kafka.scrape import wait_until
from tests.kafka.topics import Record, count_records, produce
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka

SHIFTED = Path(__file__).parent / "shifted"
AHEAD = timedelta(days=21)


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    path = tmp_path / "clock"
    path.write_text("0")
    return path


def worker(deployment: Deployment, clock: Path, **more: str) -> Worker:
    environment = {"PYTHONPATH": str(SHIFTED), "FLOWGAUGE_TEST_CLOCK": str(clock), **more}
    return Worker(deployment, deployment.config(FLOW), environment=environment)


def test_what_was_counted_by_a_clock_that_was_ahead_is_taken_out_again(deployment: Deployment, clock: Path) -> None:
    deployment.create_topics()
    soon = datetime.now(UTC) + AHEAD - timedelta(days=1)
    finished = [event(item, 1, at=soon, state="Done") for item in range(5)]
    produce(deployment.broker, deployment.topic("events"), [*doing(range(20)), *finished])
    with worker(deployment, clock) as ahead:
        assert total(ahead.wait_ready(), "flow_load_items") == 20
        clock.write_text(str(int(AHEAD.total_seconds())))
        wait_until(lambda: total(ahead, "flow_load_items") == 15, "the events of the future")
        assert total(ahead, "flow_velocity_items") == 5
        clock.write_text("0")
        wait_until(lambda: total(ahead, "flow_load_items") == 20, "the present again")
        assert total(ahead, "flow_velocity_items") == 0
        clock.write_text(str(int(AHEAD.total_seconds())))
        wait_until(lambda: total(ahead, "flow_load_items") == 15, "the events of the future")
        ahead.stop()
    clock.write_text("0")
    with worker(deployment, clock) as again:
        assert total(again.wait_ready(), "flow_load_items") == 20
        # The next event of an item that was folded in the future builds on the present history.
        produce(deployment.broker, deployment.topic("events"), [event(0, 2, state="Waiting")])
        wait_until(lambda: total(again, "flow_load_items", flow_state="waiting") == 1, "the next event")
        assert total(again, "flow_velocity_items") == 0


def test_a_clock_that_is_ahead_of_the_brokers_ends_no_worker(deployment: Deployment, clock: Path) -> None:
    deployment.create_topics()
    # Further in the future than Kafka allows for a record.
    clock.write_text(str(2 * 3_600))
    produce(deployment.broker, deployment.topic("events"), [*doing(range(20)), Record(b"x", b"no event")])
    other = deployment.config(FLOW.replace("feature: [Story]", "defect: [Story]"), "other.yaml")
    with worker(deployment, clock, FLOWGAUGE_TEST_CLOCK_OF_ALL="1") as ahead:
        assert total(ahead.wait_ready(), "flow_load_items") == 20
        wait_until(lambda: count_records(deployment.broker, deployment.topic("dead-letters")) == 1, "the dead letter")
        wait_until(lambda: count_records(deployment.broker, deployment.topic("metrics")) > 0, "the feed")
        ahead.stop()
    # Summaries that are derived again have no arrival, so they have no freshness.
    environment = {"PYTHONPATH": str(SHIFTED), "FLOWGAUGE_TEST_CLOCK": str(clock), "FLOWGAUGE_TEST_CLOCK_OF_ALL": "1"}
    with Worker(deployment, other, environment=environment) as derived:
        assert total(derived.wait_ready(), "flow_load_items", item_type="defect") == 20
        assert total(derived, "flow_freshness_seconds_count") == 0
        derived.stop()
