"""Throughput: a topic full of events, from the first ones read to the last one counted.

flowgauge does its full job, durable and acknowledged: histories, summaries, boards. It counts from the first batch that
it has applied (that group of batches is left out) until /ready. `seconds_until_applied` ends with the last event. The
peers do the smaller job of `contestants/tally.py`, until they are as durable as they get.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks import peers
from benchmarks.broker import create_events_topic, delete_topics, write
from benchmarks.crew import all_applied, first_applied, mark
from benchmarks.processes import Mark, Usage
from benchmarks.run import REPOSITORY, Run, middle
from benchmarks.worker import BenchWorker, compare, counted, deployed, dropped
from benchmarks.workload import Size, Workload

FULL = Size(events=1_000_000, items=150_000, teams=40)
QUICK = Size(events=200_000, items=30_000, teams=40)
# Plain Faust would take most of the time. Its rate does not depend on the number of events.
FULL_SLOW = QUICK
QUICK_SLOW = Size(events=40_000, items=6_000, teams=40)

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """The task of a contestant: a topic with a workload, and a name of its own."""

    run: Run
    topic: str
    workload: Workload
    name: str

    @property
    def arguments(self) -> list[str]:
        """The arguments of most contestants: broker, topic, count, name, folder."""
        run, count = self.run, str(self.workload.size.events)
        return [run.kafka.bootstrap, self.topic, count, self.name, str(run.folder / self.name)]


def measure(run: Run) -> dict[str, Any]:
    """Measure all contestants, in turn."""
    size, slow = (QUICK, QUICK_SLOW) if run.quick else (FULL, FULL_SLOW)
    topics = {each: _topic(run, each) for each in {size, slow}}
    rows: dict[str, list[Row]] = {name: [] for name in CONTESTANTS}
    for number in range(run.rounds):
        for name, contestant in CONTESTANTS.items():
            own = slow if name == "faust" else size
            run.say(f"throughput, round {number + 1} of {run.rounds}: {name}")
            rows[name].append(contestant(Job(run, topics[own], run.workload(own), run.name(name))))
    for topic in topics.values():
        delete_topics(run.kafka, topic)
    return {"size": size._asdict(), **{name: middle(found) for name, found in rows.items()}}


def _topic(run: Run, size: Size) -> str:
    topic = run.name("bench")
    create_events_topic(run.kafka, topic)
    write(run.kafka, topic, run.workload(size).partitions)
    return topic


def _peer(job: Job, command: list[str], **environment: str) -> Row:
    run = job.run
    (run.folder / job.name).mkdir()
    broker = run.kafka.cpu()
    with run.child(job.name, command, **environment) as child:
        begun, ended = child.mark("reading"), child.mark("done")
        broker = run.kafka.cpu() - broker
        usage = child.stop()
    compare(job.name, ended.result, job.workload.expected)
    delete_topics(run.kafka, job.name)
    return _row(job.workload.size.events, begun, ended, usage, broker)


def _row(events: int, begun: Mark, ended: Mark, usage: Usage, broker: float) -> Row:
    seconds, cpu = ended.at - begun.at, ended.cpu - begun.cpu
    return {
        "events": events,
        "events_per_second": events / seconds,
        "events_per_cpu_second": events / cpu,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "start_up_cpu_seconds": begun.cpu,
        "broker_cpu_seconds": broker,
        "peak_bytes": usage.peak,
    }


def _python(module: str) -> Callable[[Job], Row]:
    return lambda job: _peer(job, [sys.executable, "-m", f"benchmarks.contestants.{module}", *job.arguments])


def _faust(job: Job) -> Row:
    command = [sys.executable, "-m", "benchmarks.contestants.faust_table", "worker", "-l", "warn", "--without-web"]
    settings = {
        "BENCH_BROKER": job.run.kafka.bootstrap,
        "BENCH_TOPIC": job.topic,
        "BENCH_APP": job.name,
        "BENCH_COUNT": str(job.workload.size.events),
        "FAUST_DATADIR": str(job.run.folder / job.name),
    }
    return _peer(job, command, **settings)


def _quix(job: Job) -> Row:
    return _peer(job, [peers.python(), "-m", "benchmarks.contestants.quix", *job.arguments])


def _streams(store: str) -> Callable[[Job], Row]:
    return lambda job: _peer(
        job,
        [
            "java",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            peers.java_class_path(),
            "KafkaStreams",
            *job.arguments,
            store,
        ],
    )


def _pathway(*, durable: bool) -> Callable[[Job], Row]:
    def contestant(job: Job) -> Row:
        *arguments, folder = job.arguments
        command = [peers.python(), "-m", "benchmarks.contestants.pathway_reduce", *arguments]
        return _peer(job, [*command, folder if durable else ""])

    return contestant


def _flowgauge(count: int, **environment: str) -> Callable[[Job], Row]:
    return lambda job: _workers(job, count, environment)


def _workers(job: Job, count: int, environment: Mapping[str, str]) -> Row:
    run, size = job.run, job.workload.size
    deployment, config = deployed(run, "full", size.teams, job.workload)
    broker = run.kafka.cpu()
    with ExitStack() as stack:
        workers = [BenchWorker(deployment, config, f"w{number + 1}", **environment) for number in range(count)]
        for worker in workers:
            stack.enter_context(worker)
        begun, before = first_applied(workers)
        applied, _ = all_applied(workers, size.events)
        for worker in workers:
            worker.wait(lambda reasons: not reasons, "is ready")
        ended = mark(workers)
        broker = run.kafka.cpu() - broker
        peak = sum(worker.rss() for worker in workers)
        compare(job.name, counted(workers), job.workload.expected)
    dropped(run, deployment)
    row = _row(size.events - before, begun, ended, Usage(ended.cpu, peak), broker)
    return row | {"seconds_until_applied": applied.at - begun.at}


CONTESTANTS: dict[str, Callable[[Job], Row]] = {
    "limit": _python("limit"),
    "flowgauge": _flowgauge(1),
    # The sources take precedence over what `make bench` has compiled.
    "flowgauge-plain": _flowgauge(1, PYTHONPATH=str(REPOSITORY)),
    "flowgauge-2": _flowgauge(2),
    "faust": _faust,
    "quix": _quix,
    "kafka-streams-rocksdb": _streams("rocksdb"),
    "kafka-streams-memory": _streams("memory"),
    "pathway": _pathway(durable=False),
    "pathway-durable": _pathway(durable=True),
}
