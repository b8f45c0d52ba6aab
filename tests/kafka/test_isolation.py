"""A worker that is cut off from Kafka stops showing numbers once it cannot know that they are true."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.feed import records
from tests.kafka.probe import Probe, shared_for, showings
from tests.kafka.scrape import Conflict, wait_until
from tests.kafka.topics import produce, read_topic
from tests.kafka.two_streams import FLOW_YAML, changes, counted
from tests.kafka.worker import Deployment, Worker, WorkerError, all_ready

pytestmark = pytest.mark.kafka

ITEMS = 200
# How long a worker may show numbers without an answer from Kafka, with a margin for a busy machine.
LEASE = 30.0
MARGIN = 5.0
SILENCE = 45.0
BACK_SECONDS = 90.0
NOW = datetime.now(UTC).replace(microsecond=0)
INSTANT = "2026-06-01T12:00:00Z"
DOING = {"flow_load_items": ITEMS, "flow_velocity_items": 0}
HALF_DONE = {"flow_load_items": ITEMS / 2, "flow_velocity_items": ITEMS / 2}


@pytest.fixture(scope="module")
def kafka() -> Iterator[Broker]:
    """A broker for this module only: the session's must not be paused during other tests."""
    with Broker(proxied=2) as broker:
        yield broker


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("items_partitions", [1, 2])
def test_an_isolated_worker_shows_nothing_until_it_is_back(
    deployment: Deployment, stack: ExitStack, items_partitions: int
) -> None:
    deployment = replace(deployment, items_partitions=items_partitions)
    workers = _two_workers(deployment, stack)
    probes = [stack.enter_context(worker.probe()) for worker in workers]
    # With one partition one of them shows everything and the other nothing.
    isolated = next(number for number, worker in enumerate(workers) if counted([worker])["flow_load_items"])
    proxy, probe, other = deployment.broker.proxies[isolated], probes[isolated], workers[1 - isolated]

    since = time.monotonic()
    proxy.silence()
    try:
        done = changes(range(0, ITEMS, 2), "Done", NOW - timedelta(hours=1))
        produce(deployment.broker, deployment.topic("events"), records(done))
        wait_until(lambda: _show([other], HALF_DONE), "the other worker with all items", timeout=SILENCE)
        _wait_to(since + SILENCE)
        until, lived_on = time.monotonic(), workers[isolated].alive
    finally:
        proxy.pass_on()
    _assert_withdrawn(probe, since + LEASE + MARGIN, until)
    # A worker in the middle of a write has ended instead, because it cannot know the write's outcome.
    if lived_on:
        asked = {(one.path, one.status) for one in probe.answers if since + LEASE + MARGIN <= one.began < until}
        assert asked == {("/ready", http.client.SERVICE_UNAVAILABLE), ("/metrics", http.client.OK)}

    _wait_back(workers, HALF_DONE)
    assert shared_for(*(showings(probe.answers) for probe in probes)) <= LEASE + MARGIN


def test_nothing_is_shown_while_kafka_stands_still(deployment: Deployment, stack: ExitStack) -> None:
    fixed = replace(deployment, prefix=f"{deployment.prefix}fixed.", folder=_folder(deployment, "fixed"))
    workers = [_worker_of_all(deployment, stack, None), _worker_of_all(fixed, stack, INSTANT)]
    probes = [stack.enter_context(worker.probe()) for worker in workers]
    since = time.monotonic()
    deployment.broker.pause()
    try:
        _wait_to(since + SILENCE)
        until = time.monotonic()
    finally:
        deployment.broker.resume()
    for probe in probes:
        _assert_withdrawn(probe, since + LEASE + MARGIN, until)
    for worker in workers:
        _wait_back([worker], DOING)


def test_connections_that_a_firewall_has_forgotten_are_made_again(deployment: Deployment, stack: ExitStack) -> None:
    # A worker ends if a write is not answered. With a fixed clock it writes nothing after its start.
    config = _begin(deployment, datetime.fromisoformat(INSTANT) - timedelta(days=1))
    proxy = deployment.broker.proxies[0]
    worker = stack.enter_context(Worker(deployment, config, name="w0", clock=INSTANT, bootstrap=proxy.address))
    wait_until(lambda: _show([worker], DOING), "its numbers")
    wait_until(lambda: bool(read_topic(deployment.broker, deployment.topic("metrics"))), "the records of the feed")
    _wait_to(time.monotonic() + MARGIN)
    proxy.forget()
    # The clients notice it after 40 seconds, one connection after the other. By then the group has removed the worker.
    _wait_to(time.monotonic() + SILENCE)
    wait_until(lambda: _show([worker], DOING), "the numbers again", timeout=BACK_SECONDS)
    assert worker.alive


def _two_workers(deployment: Deployment, stack: ExitStack) -> list[Worker]:
    """Start two workers, each behind its own proxy, and wait until they show all items in progress."""
    config = _begin(deployment, NOW - timedelta(days=1))
    workers = [
        stack.enter_context(Worker(deployment, config, name=f"w{number}", bootstrap=proxy.address))
        for number, proxy in enumerate(deployment.broker.proxies)
    ]
    all_ready(workers)
    wait_until(lambda: _show(workers, DOING), "both with all items")
    return workers


def _worker_of_all(deployment: Deployment, stack: ExitStack, clock: str | None) -> Worker:
    """Start the only worker of a deployment, and wait until it shows all items in progress."""
    config = _begin(deployment, datetime.fromisoformat(clock) - timedelta(days=1) if clock else NOW - timedelta(days=1))
    worker = stack.enter_context(Worker(deployment, config, name=f"clock-{clock or 'wall'}", clock=clock))
    wait_until(lambda: _show([worker], DOING), f"{worker.name}'s numbers")
    return worker


def _folder(deployment: Deployment, name: str) -> Path:
    folder = deployment.folder / name
    folder.mkdir()
    return folder


def _begin(deployment: Deployment, time: datetime) -> Path:
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), records(changes(range(ITEMS), "Doing", time)))
    return deployment.config(FLOW_YAML)


def _wait_to(instant: float) -> None:
    time.sleep(max(0.0, instant - time.monotonic()))


def _wait_back(workers: Sequence[Worker], expected: Mapping[str, float]) -> None:
    """Wait for the workers' numbers. A worker that has ended must have said why in one line; it is started again."""

    def back() -> bool:
        for worker in workers:
            if not worker.alive:
                assert worker.log.splitlines()[-1].startswith("flowgauge: stopped"), worker.log
                assert "Traceback" not in worker.log, worker.log
                worker.start()
        return _show(workers, expected)

    wait_until(back, "the right numbers again", timeout=BACK_SECONDS)


def _show(workers: Sequence[Worker], expected: Mapping[str, float]) -> bool:
    """Return whether all are ready and together show the expected numbers, with no node at two of them."""
    try:
        return all(worker.get("/ready")[0] == http.client.OK for worker in workers) and counted(workers) == expected
    except (Conflict, WorkerError):
        return False


def _assert_withdrawn(probe: Probe, since: float, until: float) -> None:
    """Assert that the page neither said ready nor showed a number of a node in this time."""
    shown = [f"{one.path} after {one.began - since:.1f} s" for one in probe.claims(since, until)]
    assert not shown, f"still ready or with numbers when the lease was long over: {shown[:4]} ... {shown[-1]}"
