"""A deployment in which a worker has folded many items: the start of the parts recovery and rebuild."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.run import Run
from benchmarks.worker import BenchWorker, compare, counted, deployed
from benchmarks.workload import Size, Workload
from tests.kafka.worker import Deployment

EVENTS_AN_ITEM = 3
TEAMS = 40


@dataclass(frozen=True)
class Populated:
    """Topics with the histories and summaries of all items of a workload, and the flow.yaml used for them."""

    deployment: Deployment
    config: Path
    workload: Workload


def populated(run: Run, items: int) -> Populated:
    """Return a deployment with that many items, made once in each run. Its worker has committed all and ended."""
    if items not in run.populated:
        size = Size(EVENTS_AN_ITEM * items, items, TEAMS)
        run.say(f"folding {size.events:,} events into {items:,} items")
        workload = run.workload(size)
        deployment, config = deployed(run, "populated", TEAMS, workload)
        with BenchWorker(deployment, config, "first") as worker:
            worker.wait(lambda reasons: not reasons, "is ready")
            compare("populated", counted([worker]), workload.expected)
            worker.stop()
        run.populated[items] = Populated(deployment, config, workload)
    found: Populated = run.populated[items]
    return found
