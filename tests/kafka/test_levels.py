"""Three backlogs, owners at every level, calendar windows: all workers show what the oracle counts, over a SIGKILL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.kafka.feed import Feed, in_disorder, portions, records
from tests.kafka.ranks import ranked
from tests.kafka.scrape import assert_equal, exact_everywhere, merged_metrics, wait_equal, wait_until
from tests.kafka.topics import count_records, produce
from tests.kafka.worker import Deployment, Worker, all_ready, stop_all
from tests.oracle.brute_force import gauges
from tests.oracle.logs import Log
from tests.oracle.series import Series

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("count", [1, 3])
def test_workers_show_every_backlog_of_every_owner(deployment: Deployment, whole_log: Log, count: int) -> None:
    deployment = replace(deployment, events_partitions=2 * count, items_partitions=count)
    events, config = ranked(whole_log)
    path = deployment.config(yaml.safe_dump(config, sort_keys=False))
    deployment.create_topics()
    first, second = portions(records(in_disorder(events, seed=count)), 2)
    produce(deployment.broker, deployment.topic("events"), first)

    begin, middle, end = whole_log.instants
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(deployment, path, end, number)) for number in range(count)]
        all_ready(workers)
        before = count_records(deployment.broker, deployment.topic("items"))
        with Feed(deployment.broker, deployment.topic("events"), second):
            wait_until(lambda: count_records(deployment.broker, deployment.topic("items")) > before + 100, "items")
            workers[0].kill()
        workers[0].start()
        all_ready(workers)
        # Within the lease, a ready worker may not show the last events yet.
        wait_equal(workers, gauges(events, config, end), _kept(workers))
        stop_all(workers)
    for at in (begin, middle):
        with ExitStack() as stack:
            workers = [stack.enter_context(_worker(deployment, path, at, number)) for number in range(count)]
            all_ready(workers)
            keep = _kept(workers)
            assert_equal(keep(merged_metrics(workers)), keep(gauges(events, config, at)))
            stop_all(workers)


def _worker(deployment: Deployment, config: Path, at: datetime, number: int) -> Worker:
    return Worker(deployment, config, clock=at.isoformat(), name=f"{at:%Y-%m}-{number}")


def _kept(workers: Sequence[Worker]) -> Callable[[Mapping[Series, float]], Mapping[Series, float]]:
    return dict if len(workers) == 1 else exact_everywhere
