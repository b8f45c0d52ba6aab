"""Rebuild: a changed flow.yaml, from the start of the worker until /ready. It folds every item again.

The change turns an active state into a waiting one, so every summary changes its derivation. The rounds change the
configuration there and back, and both ways count.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.parts.recovery import sizes
from benchmarks.populated import Populated, populated
from benchmarks.run import Run, middle
from benchmarks.worker import BenchWorker, compare, counted
from benchmarks.workload import flow_yaml

Row = dict[str, Any]


def measure(run: Run) -> dict[str, Any]:
    """Measure at each size."""
    return {name: _at(run, items) for name, items in sizes(run).items()}


def _at(run: Run, items: int) -> dict[str, Any]:
    state = populated(run, items)
    size = state.workload.size
    other = state.deployment.config(flow_yaml(size.teams, review_waits=True), "changed.yaml")
    rows = []
    for number in range((run.rounds + 1) // 2):
        run.say(f"rebuild of {items:,} items, round {2 * number + 1}")
        rows.append(_rebuild(state, other))
        rows.append(_rebuild(state, state.config))
    return {"size": size._asdict(), "flowgauge": middle(rows)}


def _rebuild(state: Populated, config: Any) -> Row:
    with BenchWorker(state.deployment, config, "rebuild") as worker:
        started = time.monotonic()
        begun, used = worker.wait(lambda _: True, "answers")
        ended, cpu = worker.wait(lambda reasons: not reasons, "is ready")
        compare("rebuild", counted([worker]), state.workload.expected)
        worker.stop()
    items = state.workload.size.items
    return {
        "seconds": ended - begun,
        "cpu_seconds": cpu - used,
        "items_per_second": items / (ended - begun),
        "seconds_with_start_up": ended - started,
    }
