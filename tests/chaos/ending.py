"""The end of a run: once all is quiet, every gauge is as `replay` computes it from all acknowledged events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from tests.chaos.journal import Journal
from tests.chaos.supervisor import Supervisor
from tests.chaos.truth import of_nodes
from tests.kafka.scrape import Conflict, merged_metrics
from tests.kafka.worker import Worker, WorkerError
from tests.oracle.comparison import describe
from tests.oracle.series import Series

# How long the workers may take to show the final numbers, once all faults are over.
SETTLE_SECONDS = 150.0
SHOWN = 5


def settle(journal: Journal, workers: Sequence[Worker], expected: Mapping[Series, float]) -> bool:
    """Wait until the workers together show exactly this. If they never do, that is a violation."""
    began = time.monotonic()
    while (wrong := _wrong(workers, expected)) and time.monotonic() < began + SETTLE_SECONDS:
        time.sleep(0.5)
    took = time.monotonic() - began
    if wrong:
        journal.violate("final numbers", f"after {took:.0f} s: {wrong}")
    else:
        journal.say(f"all {len(expected)} gauges are those of replay, {took:.1f} s later")
    return not wrong


def start_again(journal: Journal, supervisors: Sequence[Supervisor], expected: Mapping[Series, float]) -> None:
    """End all workers and start one, which has only the topics. Its numbers must be the same."""
    for supervisor in supervisors:
        supervisor.close()
    settle(journal, [supervisors[0].worker.start()], expected)


def _wrong(workers: Sequence[Worker], expected: Mapping[Series, float]) -> str:
    """Return how the workers' numbers differ; empty if they do not."""
    for worker in workers:
        status, body = worker.get("/ready")
        if status != 200:
            return f"{worker.name} is not ready: {status} {body.strip()}"
    try:
        shown = of_nodes(merged_metrics(workers))
    except (Conflict, WorkerError) as error:
        return str(error)
    differing = sorted(
        f"{describe(series)} is {shown.get(series)}, must be {expected.get(series)}"
        for series in shown.keys() | expected.keys()
        if shown.get(series) != expected.get(series)
    )
    return f"{len(differing)} gauges differ: {'; '.join(differing[:SHOWN])}" if differing else ""
