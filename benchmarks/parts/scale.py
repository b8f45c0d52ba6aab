"""Scale: 1, 2 and 4 workers with as many partitions of events and of items, on one machine and one broker.

- throughput: a topic full of events, counted as in the throughput part;
- topics: bytes on disk before compaction, and of the newest record of each key, which is what compaction leaves;
- recovery: all workers stopped and started again, from when all answer until all are ready;
- killed: SIGKILL of one worker, from when Kafka knows until the others show all teams again. The benchmark removes the
  member from the group at once; Kafka would wait for `session_seconds`;
- joined: the same worker started again, from its first answer until all are ready.

A team is not shown while its partition moves. The benchmark checks repeatedly for how long. No events arrive meanwhile.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from benchmarks.broker import end_offsets, remove_dead_members, write
from benchmarks.crew import Look, all_applied, first_applied, mark, not_shown, watch_until_shown
from benchmarks.processes import Mark
from benchmarks.run import Run, middle
from benchmarks.topic_bytes import log_bytes, newest_bytes
from benchmarks.worker import BenchWorker, compare, counted, dropped, place
from benchmarks.workload import Size, Workload, flow_yaml, workload
from stream.worker.freeze_guard import SESSION_TIMEOUT
from tests.kafka.worker import Deployment, stop_all

WORKERS = (1, 2, 4)
# Eight value streams of ten teams: their names spread evenly over 2 and over 4 partitions of items.
# A round takes some four minutes; the results say how many there were.
ROUNDS = 1
FULL = Size(events=400_000, items=60_000, teams=80)
QUICK = Size(events=80_000, items=12_000, teams=80)

Row = dict[str, Any]


def measure(run: Run) -> dict[str, Any]:
    """Measure each number of workers, in turn."""
    size = QUICK if run.quick else FULL
    times = min(ROUNDS, run.rounds)
    rounds: dict[int, list[dict[str, Row]]] = {count: [] for count in WORKERS}
    for number in range(times):
        for count in WORKERS:
            run.say(f"scale, round {number + 1} of {times}: {count} workers")
            rounds[count].append(_round(run, count, workload(size, run.started, count)))
    found = {
        str(count): {name: middle(row[name] for row in rows) for name in rows[0]} for count, rows in rounds.items()
    }
    return {"size": size._asdict(), "session_seconds": SESSION_TIMEOUT, **found}


def _round(run: Run, count: int, events: Workload) -> dict[str, Row]:
    deployment = replace(place(run, "scale"), events_partitions=count, items_partitions=count)
    deployment.create_topics()
    write(run.kafka, deployment.topic("events"), events.partitions)
    config = deployment.config(flow_yaml(events.size.teams, arts_a_stream=1))
    with ExitStack() as stack:
        workers = [stack.enter_context(BenchWorker(deployment, config, f"w{each + 1}")) for each in range(count)]
        found = {"throughput": _throughput(run, workers, events)}
        found["topics"] = _topics(deployment, events.size)
        found["recovery"] = _recovery(workers, events)
        if count > 1:
            found["killed"] = _killed(run, deployment, workers, events)
            found["joined"] = _joined(workers, events)
        stop_all(workers)
    dropped(run, deployment)
    return found


def _throughput(run: Run, workers: list[BenchWorker], events: Workload) -> Row:
    broker = run.kafka.cpu()
    begun, before = first_applied(workers)
    applied, _ = all_applied(workers, events.size.events)
    ended = _ready(workers)
    compare("scale", counted(workers), events.expected)
    count, seconds, cpu = events.size.events - before, ended.at - begun.at, ended.cpu - begun.cpu
    return {
        "events": count,
        "events_per_second": count / seconds,
        "events_per_second_until_applied": count / (applied.at - begun.at),
        "events_per_cpu_second": count / cpu,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "broker_cpu_seconds": run.kafka.cpu() - broker,
        "bytes": sum(worker.rss() for worker in workers),
    }


def _ready(workers: list[BenchWorker]) -> Mark:
    for worker in workers:
        worker.wait(lambda reasons: not reasons, "is ready")
    return mark(workers)


def _topics(deployment: Deployment, size: Size) -> Row:
    """Return the bytes of each topic for each event and item, and the rows and summaries for each event."""
    broker = deployment.broker
    names = {"events": deployment.events_partitions, "histories": deployment.events_partitions}
    names |= {"items": deployment.items_partitions, "metrics": deployment.items_partitions}
    found: Row = {}
    for name, partitions in names.items():
        topic = deployment.topic(name)
        found[f"{name}_bytes_an_event"] = log_bytes(broker, topic) / size.events
        found[f"{name}_records_an_event"] = end_offsets(broker, topic, partitions) / size.events
        if name != "events":
            keys, kept = newest_bytes(broker, topic, partitions)
            found[f"{name}_keys"], found[f"{name}_bytes_a_key"] = keys, kept / keys
    return found


def _recovery(workers: list[BenchWorker], events: Workload) -> Row:
    stop_all(workers)
    started = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait(lambda _: True, "answers")
    begun = mark(workers)
    ended = _ready(workers)
    compare("recovery", counted(workers), events.expected)
    seconds = ended.at - begun.at
    return {
        "seconds": seconds,
        "cpu_seconds": ended.cpu - begun.cpu,
        "items_per_second": events.size.items / seconds,
        "seconds_with_start_up": ended.at - started,
    }


def _killed(run: Run, deployment: Deployment, workers: list[BenchWorker], events: Workload) -> Row:
    *others, victim = workers
    victim.kill()
    remove_dead_members(run.kafka, f"{deployment.prefix}engine", f':{victim.port}"')
    begun = time.monotonic()
    looks = watch_until_shown(others, events.size.teams)
    compare("killed", counted(others), events.expected)
    return _moved(begun, looks)


def _joined(workers: list[BenchWorker], events: Workload) -> Row:
    started = time.monotonic()
    workers[-1].start()
    # From the beginning: the others give up partitions as soon as it has joined.
    looks = watch_until_shown(workers, events.size.teams)
    compare("joined", counted(workers), events.expected)
    begun = next(look.at for look in looks if look.answering == len(workers))
    return _moved(begun, looks) | {"seconds_with_start_up": looks[-1].at - started}


def _moved(begun: float, looks: list[Look]) -> Row:
    return {
        "seconds": looks[-1].at - begun,
        "seconds_not_shown": not_shown(looks),
        "most_teams_not_shown": max(look.missing for look in looks),
    }
