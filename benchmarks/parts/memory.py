"""Memory: bytes of an item in progress, finished in the longest window, and finished before it.

It is measured in a process that holds the engine's rows and boards and nothing else. The second figure is of a real
worker that has started with as many items, less the same worker with none. It includes Kafka's clients and buffers.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.engine.memory import LIVES
from benchmarks.parts.recovery import sizes
from benchmarks.populated import TEAMS, populated
from benchmarks.processes import run_json
from benchmarks.run import LIFE_SECONDS, REPOSITORY, Run
from benchmarks.worker import BenchWorker, deployed, dropped


def measure(run: Run) -> dict[str, Any]:
    """Measure each size, and once the worker without items."""
    empty = _empty(run)
    return {name: _at(run, items, empty) for name, items in sizes(run).items()}


def _at(run: Run, items: int, empty: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in LIVES:
        run.say(f"memory of {items:,} items: {kind}")
        command = [sys.executable, "-m", "benchmarks.engine.memory", kind, str(items)]
        found[kind] = run_json(command, REPOSITORY, LIFE_SECONDS)
    return found | {"worker": _worker(run, items, empty)}


def _worker(run: Run, items: int, empty: int) -> dict[str, float]:
    state = populated(run, items)
    with BenchWorker(state.deployment, state.config, "weighed") as worker:
        worker.wait(lambda reasons: not reasons, "is ready")
        held = worker.rss()
        worker.stop()
    return {"bytes": held, "empty_bytes": empty, "bytes_an_item": (held - empty) / items}


def _empty(run: Run) -> int:
    deployment, config = deployed(run, "empty", TEAMS)
    with BenchWorker(deployment, config, "empty") as worker:
        worker.wait(lambda reasons: not reasons, "is ready")
        held = worker.rss()
        worker.stop()
    dropped(run, deployment)
    return held
