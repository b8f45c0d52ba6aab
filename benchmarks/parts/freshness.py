"""Freshness: from an event's arrival in the topic until a scrape of the worker would show it.

Open loop: a sender in its own process sends at intended times, 10, 1,000 and 10,000 events a second. The worker is
scraped each second. Beside it is the bare way, on the same broker at the same rate: until a consumer has the record.
Both count from the broker's timestamp, in whole milliseconds, which is before the acknowledgement.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchmarks.broker import create_events_topic, wait_folded
from benchmarks.errors import BenchmarkError
from benchmarks.observed_worker import observations
from benchmarks.percentiles import percentiles
from benchmarks.run import Run, middle
from benchmarks.worker import BenchWorker, deployed, dropped
from benchmarks.workload import Size

RATES = (10, 1_000, 10_000)
POPULATION = Size(events=100_000, items=15_000, teams=40)

Row = dict[str, Any]


class Phase(NamedTuple):
    """A period of sending, of which the first `warm_up` seconds are left out."""

    rate: int
    seconds: float
    warm_up: float


def phase(run: Run, rate: int) -> Phase:
    """Return the period for a rate: short in a quick run."""
    return Phase(rate, 5.0, 1.0) if run.quick else Phase(rate, 15.0, 3.0)


class Observed:
    """A running worker whose observations can be read once it has ended. As a context manager it stops the worker."""

    def __init__(self, run: Run, size: Size) -> None:
        self._run = run
        self.deployment, config = deployed(run, "fresh", size.teams, run.workload(size))
        self.worker = BenchWorker(self.deployment, config, "observed", "benchmarks.observed_worker")
        self.size, self.next = size, size.events

    def __enter__(self) -> Self:
        self.worker.start()
        self.worker.wait(lambda reasons: not reasons, "is ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.worker.stop()
            dropped(self._run, self.deployment)
        self.worker.kill()

    @property
    def path(self) -> Path:
        """The file with the observations."""
        return self.deployment.folder / "observed.freshness"


class Scrapes:
    """Scrapes a worker each second until the end of the block, and keeps `seconds` and `size` of each answer."""

    def __init__(self, worker: BenchWorker) -> None:
        self._worker = worker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seconds: list[float] = []
        self.bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            self.bytes = len(self._worker.metrics())
            self.seconds.append(time.monotonic() - begun)
            self._over.wait(max(0.0, 1.0 - self.seconds[-1]))


def measure(run: Run) -> dict[str, Any]:
    """Measure each rate, the bare way and the worker in turn."""
    bare: dict[int, list[Row]] = {rate: [] for rate in RATES}
    spans: list[tuple[Phase, Row]] = []
    topic = run.name("bare")
    create_events_topic(run.kafka, topic)
    with Observed(run, POPULATION) as observed:
        for number in range(run.rounds):
            for rate in RATES:
                run.say(f"freshness, round {number + 1} of {run.rounds}: {rate:,} events/s")
                bare[rate].append(_bare(run, topic, phase(run, rate)))
                with Scrapes(observed.worker) as scrapes:
                    span = send(run, observed, phase(run, rate))
                spans.append((phase(run, rate), span | {"scrape_seconds": max(scrapes.seconds)}))
    shown = observations(observed.path)
    rows = {rate: [cut(shown, each, span) for each, span in spans if each.rate == rate] for rate in RATES}
    return {
        "population": POPULATION._asdict(),
        **{str(rate): {"bare": middle(bare[rate]), "flowgauge": middle(rows[rate])} for rate in RATES},
    }


def send(run: Run, observed: Observed, stretch: Phase) -> Row:
    """Send a period's events and wait until all are applied; return its span and the worker's CPU."""
    worker, deployment = observed.worker, observed.deployment
    before, used = worker.applied(), worker.cpu()
    result = _send(run, deployment.topic("events"), stretch, observed.next, observed.size)
    observed.next += result["sent"]
    cpu = worker.cpu() - used
    wait_folded(run.kafka, deployment.topic("events"), f"{deployment.prefix}engine")
    applied = worker.applied() - before
    if applied != result["sent"]:
        raise BenchmarkError(f"{applied} of {result['sent']} events are applied")
    return {**result, "cpu_seconds": cpu}


def _send(run: Run, topic: str, stretch: Phase, first: int, size: Size) -> Row:
    arguments = [run.kafka.bootstrap, topic, *map(str, (stretch.rate, stretch.seconds, first, *size))]
    with run.child("sender", [sys.executable, "-m", "benchmarks.contestants.sender", *arguments]) as sender:
        result: Row = sender.mark("done").result
    return result


def cut(shown: list[tuple[float, float]], stretch: Phase, span: Row) -> Row:
    """Return the percentiles of events that arrived in a period, and how late its sender was."""
    first, last = span["begun"] + stretch.warm_up, span["begun"] + span["seconds"]
    found = percentiles(seconds for at, seconds in shown if first <= at - seconds <= last)
    if not found:
        raise BenchmarkError(f"at {stretch.rate} events/s the worker observed no freshness")
    figures = {name: value for name, value in span.items() if name not in ("begun", "late")}
    return found | figures | {"sender_late_p99": span["late"]["p99"]}


def _bare(run: Run, topic: str, stretch: Phase) -> Row:
    count, left_out = round(stretch.rate * stretch.seconds), round(stretch.rate * stretch.warm_up)
    arguments = [run.kafka.bootstrap, topic, str(count), str(left_out)]
    with run.child("bare", [sys.executable, "-m", "benchmarks.contestants.bare_consumer", *arguments]) as consumer:
        consumer.mark("reading")
        sent = _send(run, topic, stretch, 0, POPULATION)
        ended = consumer.mark("done")
    found: Row = ended.result
    return found | {"cpu_seconds": ended.cpu, "sender_late_p99": sent["late"]["p99"]}
