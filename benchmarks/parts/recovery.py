"""Recovery: a worker is killed with SIGKILL and started again, until /ready.

Beside it are a raw read of the same changelog into a dict, and plain Faust. Its table has as many items, with one row
an item, the fewest it can have. flowgauge counts from the first answer of its page, so its figure includes joining the
group. Faust counts from the assignment of its partitions, so its figure does not. The benchmark removes the killed
member from the group at once: how long Kafka would wait is a setting of each (flowgauge 20 s, Faust 60 s).
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from benchmarks.broker import end_offsets, remove_dead_members, write
from benchmarks.errors import BenchmarkError
from benchmarks.populated import Populated, populated
from benchmarks.run import Run, middle
from benchmarks.worker import BenchWorker, compare, counted
from benchmarks.workload import PARTITIONS, Keyed, Workload, partition_of
from tests.kafka.topics import create_topic

SIZES = {"100k": 100_000, "1m": 1_000_000}
LARGEST_IN_QUICK = 100_000

Row = dict[str, Any]


def sizes(run: Run) -> dict[str, int]:
    """Return the numbers of items that this run measures."""
    return {name: items for name, items in SIZES.items() if not run.quick or items <= LARGEST_IN_QUICK}


def measure(run: Run) -> dict[str, Any]:
    """Measure all contestants at each size, in turn."""
    return {name: _at(run, items) for name, items in sizes(run).items()}


def _at(run: Run, items: int) -> dict[str, Any]:
    state = populated(run, items)
    table = _faust_changelog(run, state.workload)
    rows: dict[str, list[Row]] = {"raw-read": [], "flowgauge": [], "faust": []}
    for number in range(run.rounds):
        run.say(f"recovery of {items:,} items, round {number + 1} of {run.rounds}")
        rows["raw-read"].append(_raw_read(run, state))
        rows["flowgauge"].append(_flowgauge(run, state))
        rows["faust"].append(_faust(run, table, state.workload))
    return {"size": state.workload.size._asdict(), **{name: middle(found) for name, found in rows.items()}}


def _raw_read(run: Run, state: Populated) -> Row:
    topic = state.deployment.topic("histories")
    command = [sys.executable, "-m", "benchmarks.contestants.raw_read", run.kafka.bootstrap, topic]
    with run.child("raw-read", command) as child:
        begun, ended = child.mark("reading"), child.mark("done")
    items = state.workload.size.items
    if ended.result["keys"] != items:
        raise BenchmarkError(f"the changelog holds {ended.result['keys']} items instead of {items}")
    return _row(begun.at, ended.at, ended.cpu - begun.cpu, items, ended.result["records"])


def _flowgauge(run: Run, state: Populated) -> Row:
    with BenchWorker(state.deployment, state.config, "killed") as worker:
        worker.wait(lambda reasons: not reasons, "is ready")
        worker.kill()
        remove_dead_members(run.kafka, f"{state.deployment.prefix}engine")
        worker.start()
        started = time.monotonic()
        begun, used = worker.wait(lambda _: True, "answers")
        ended, cpu = worker.wait(lambda reasons: not reasons, "is ready")
        compare("recovery", counted([worker]), state.workload.expected)
        worker.stop()
    records = end_offsets(run.kafka, state.deployment.topic("histories"))
    row = _row(begun, ended, cpu - used, state.workload.size.items, records)
    return row | {"seconds_with_start_up": ended - started, "start_up_cpu_seconds": used}


def _faust_changelog(run: Run, workload: Workload) -> str:
    """Write the changelog that plain Faust's table would have, in its own format; return the app's name."""
    app = run.name("faust")
    rows: list[list[Keyed]] = [[] for _ in range(PARTITIONS)]
    for item, last in workload.last.items():
        key = item.encode()
        rows[partition_of(key)].append((json.dumps(item).encode(), json.dumps(last).encode()))
    create_topic(run.kafka, f"{app}-events", partitions=PARTITIONS)
    changelog = f"{app}-items-changelog"
    create_topic(run.kafka, changelog, partitions=PARTITIONS, configs={"cleanup.policy": "compact"})
    write(run.kafka, changelog, rows)
    return app


def _faust(run: Run, app: str, workload: Workload) -> Row:
    command = [sys.executable, "-m", "benchmarks.contestants.faust_table", "worker", "-l", "warn", "--without-web"]
    settings = {
        "BENCH_BROKER": run.kafka.bootstrap,
        "BENCH_TOPIC": f"{app}-events",
        "BENCH_APP": app,
        "BENCH_COUNT": "0",
        "FAUST_DATADIR": str(run.folder / run.name("faust")),
    }
    started = time.monotonic()
    with run.child("faust", command, **settings) as child:
        begun, ended = child.mark("reading"), child.mark("recovered")
        compare("faust", child.mark("done").result, workload.expected)
    remove_dead_members(run.kafka, app)
    row = _row(begun.at, ended.at, ended.cpu - begun.cpu, workload.size.items, workload.size.items)
    return row | {"seconds_with_start_up": ended.at - started, "start_up_cpu_seconds": begun.cpu}


def _row(begun: float, ended: float, cpu: float, items: int, records: int) -> Row:
    seconds = ended - begun
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "items_per_second": items / seconds,
        "records": records,
        "records_per_second": records / seconds,
    }
