"""Several workers that share the partitions: their common progress, and the nodes that they show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from benchmarks.errors import BenchmarkError
from benchmarks.processes import Mark
from benchmarks.worker import READY_SECONDS, BenchWorker, pause

# How late a look may be. Each look scrapes every worker, so looks must not be too frequent.
LOOK_EVERY = 0.1


class Look(NamedTuple):
    """The state at an instant (monotonic seconds): workers that answer, workers that are ready, teams not shown."""

    at: float
    answering: int
    ready: int
    missing: int


def first_applied(workers: Sequence[BenchWorker]) -> tuple[Mark, int]:
    """Wait for the first counted events. Both the time and the events until then are left out."""
    for worker in workers:
        worker.wait(lambda _: True, "answers")
    return all_applied(workers, 1)


def all_applied(workers: Sequence[BenchWorker], least: int) -> tuple[Mark, int]:
    """Wait until the workers have applied that many events. A worker that is not ready answers in a millisecond."""
    since = time.monotonic()
    while True:
        count = sum(worker.applied() for worker in workers)
        if count >= least:
            return mark(workers), count
        pause(since)


def mark(workers: Sequence[BenchWorker]) -> Mark:
    """Return the instant, and the CPU seconds of all workers up to now."""
    return Mark(time.monotonic(), sum(worker.cpu() for worker in workers), None)


def watch_until_shown(workers: Sequence[BenchWorker], teams: int) -> list[Look]:
    """Look until all workers are ready and each team is shown, and return all looks. Raises BenchmarkError."""
    looks = [look(workers, teams)]
    while looks[-1].missing or looks[-1].ready < len(workers):
        if looks[-1].at > looks[0].at + READY_SECONDS or not all(worker.alive for worker in workers):
            raise BenchmarkError(f"{looks[-1]} after {READY_SECONDS} s: {[worker.log[-2000:] for worker in workers]}")
        time.sleep(LOOK_EVERY)
        looks.append(look(workers, teams))
    return looks


def look(workers: Sequence[BenchWorker], teams: int) -> Look:
    """Ask each worker what it shows now. One that does not answer yet shows nothing."""
    at = time.monotonic()
    reasons = [worker.reasons() for worker in workers]
    answering = [worker for worker, found in zip(workers, reasons, strict=True) if found is not None]
    shown = {labels["team"] for worker in answering for labels, _ in worker.samples("flow_load_limit_items")}
    return Look(at, len(answering), reasons.count([]), teams - len(shown))


def not_shown(looks: Sequence[Look]) -> float:
    """Return for how many seconds some team was not shown by any worker."""
    return sum(later.at - earlier.at for earlier, later in pairwise(looks) if earlier.missing)
