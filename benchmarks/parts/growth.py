"""Growth: what an event costs a worker that holds little, and one that holds much.

It writes a portion of events to a ready worker, and divides the CPU seconds until all are applied by their number. The
second figure subtracts the CPU of a worker at rest, since boards are also read without any event. In a portion each
event is of another item, as most live events are: events of one item that arrive together cost less.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from benchmarks.broker import wait_folded, write
from benchmarks.run import Run, middle
from benchmarks.worker import BenchWorker, deployed, dropped
from benchmarks.workload import NEXT, PARTITIONS, Keyed, Size, event, partition_of
from tests.kafka.worker import Deployment

SIZES = {"small": Size(30_000, 10_000, 10), "large": Size(3_000_000, 1_000_000, 10_000)}
PORTION = 10_000
IDLE_SECONDS = 10.0
# A prime, so that a portion has items from everywhere.
STRIDE = 7_919

Row = dict[str, Any]


def measure(run: Run) -> dict[str, Any]:
    """Measure both sizes; nothing in a quick run, where the figures would mean little."""
    if run.quick:
        return {}
    return {name: {"size": size._asdict(), "flowgauge": _at(run, size)} for name, size in SIZES.items()}


def _at(run: Run, size: Size) -> dict[str, Any]:
    run.say(f"growth: {size.items:,} items and {size.teams:,} teams")
    deployment, config = deployed(run, "growth", size.teams, run.workload(size))
    with BenchWorker(deployment, config, "grown") as worker:
        worker.wait(lambda reasons: not reasons, "is ready")
        last = dict(run.workload(size).last)
        rows = [_round(run, worker, deployment, _portion(run, size, last, number)) for number in range(run.rounds)]
        worker.stop()
    dropped(run, deployment)
    return middle(rows)


def _round(run: Run, worker: BenchWorker, deployment: Deployment, portion: list[list[Keyed]]) -> Row:
    begun, used = time.monotonic(), worker.cpu()
    time.sleep(IDLE_SECONDS)
    idle = (worker.cpu() - used) / (time.monotonic() - begun)
    begun, used = time.monotonic(), worker.cpu()
    write(run.kafka, deployment.topic("events"), portion)
    wait_folded(run.kafka, deployment.topic("events"), f"{deployment.prefix}engine")
    seconds, cpu = time.monotonic() - begun, worker.cpu() - used
    return {
        "cpu_seconds_an_event": cpu / PORTION,
        "cpu_seconds_an_event_less_idle": (cpu - idle * seconds) / PORTION,
        "idle_cpu": idle,
        "seconds": seconds,
    }


def _portion(run: Run, size: Size, last: dict[str, tuple[str, str]], number: int) -> list[list[Keyed]]:
    """Yield one more change of items from everywhere: each enters its next state just after the last event."""
    names = list(last)
    found: list[list[Keyed]] = [[] for _ in range(PARTITIONS)]
    for count in range(PORTION * number, PORTION * (number + 1)):
        item = names[count * STRIDE % len(names)]
        team, state = last[item]
        last[item] = team, NEXT[state]
        time_of_it = run.started + timedelta(microseconds=count)
        value = event(size.events + count, item, team, NEXT[state], time_of_it)
        found[partition_of(item.encode())].append((item.encode(), value))
    return found
