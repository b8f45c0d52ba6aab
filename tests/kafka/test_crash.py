"""Workers are killed, come back, join and leave while events arrive: the numbers are the same.

These tests run on the generated log only, which halves the time. `test_whole_log.py` runs on both logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from tests.kafka.feed import Feed, in_disorder, portions, records
from tests.kafka.scrape import assert_equal, exact_everywhere, merged_metrics, wait_equal, wait_until
from tests.kafka.topics import Record, count_records
from tests.kafka.worker import Deployment, Worker, all_ready, stop_all
from tests.oracle.brute_force import gauges
from tests.oracle.made_log import CONFIG, FLOW_YAML, INSTANTS
from tests.oracle.rules import Json
from tests.oracle.series import Series

pytestmark = pytest.mark.kafka

Gauges = Mapping[Series, float]

AT = INSTANTS[2]


def test_one_worker_killed_twice(deployment: Deployment, made_events: list[Json]) -> None:
    expected = gauges(made_events, CONFIG, AT)
    first, second, last = portions(records(in_disorder(made_events, seed=11)), 3)
    with _workers(deployment, 1) as (worker,):
        for portion in (first, second):
            with _in_the_middle(deployment, portion):
                worker.kill()
            worker.start().wait_ready()
        with Feed(deployment.broker, deployment.topic("events"), last):
            pass
        wait_equal([worker], expected)
        _again([worker], expected)
    assert count_records(deployment.broker, deployment.topic("dead-letters")) == 0


def test_three_workers_of_which_one_and_then_two_are_killed(deployment: Deployment, made_events: list[Json]) -> None:
    # With several partitions of items, an item may move to another partition with any event.
    deployment = replace(deployment, events_partitions=6, items_partitions=3)
    expected = gauges(made_events, CONFIG, AT)
    first, second = portions(records(in_disorder(made_events, seed=12)), 2)
    with _workers(deployment, 3) as workers:
        with _in_the_middle(deployment, first):
            workers[1].kill()
        workers[1].start()
        all_ready(workers)
        with _in_the_middle(deployment, second):
            workers[0].kill()
            workers[2].kill()
        workers[0].start()
        workers[2].start()
        all_ready(workers)
        wait_equal(workers, expected, exact_everywhere)
        _again(workers, expected, exact_everywhere)
    assert count_records(deployment.broker, deployment.topic("dead-letters")) == 0


def test_one_joins_and_one_leaves(deployment: Deployment, made_events: list[Json]) -> None:
    expected = gauges(made_events, CONFIG, AT)
    first, second = portions(records(in_disorder(made_events, seed=13)), 2)
    with _workers(deployment, 1) as (leaving,), ExitStack() as stack:
        joining = Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat(), name="joining")
        with _in_the_middle(deployment, first, per_second=400):
            stack.enter_context(joining)
        all_ready([leaving, joining])
        with _in_the_middle(deployment, second):
            leaving.stop()
        joining.wait_ready()
        wait_equal([joining], expected)
        _again([joining], expected)


@contextmanager
def _workers(deployment: Deployment, count: int) -> Iterator[list[Worker]]:
    """Start workers on empty topics and wait until they are ready."""
    config = deployment.config(FLOW_YAML)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(deployment, config, clock=AT.isoformat(), name=f"w{number}"))
            for number in range(count)
        ]
        all_ready(workers)
        yield workers


@contextmanager
def _in_the_middle(deployment: Deployment, portion: Sequence[Record], per_second: int = 1000) -> Iterator[None]:
    """Feed a portion. The block begins when the workers have begun on it and more events are coming."""
    items = deployment.topic("items")
    before = count_records(deployment.broker, items)
    with Feed(deployment.broker, deployment.topic("events"), portion, per_second) as feed:
        wait_until(lambda: count_records(deployment.broker, items) > before + 100, "items from the portion")
        assert feed.running, "the feed was over before anything could happen in the middle of it"
        yield


def _again(workers: Sequence[Worker], expected: Gauges, keep: Callable[[Gauges], Gauges] = dict) -> None:
    """Stop all workers and start one, whose numbers come from the topics alone."""
    stop_all(workers)
    workers[0].start().wait_ready()
    assert_equal(keep(merged_metrics(workers[:1])), keep(expected))
    workers[0].stop()
