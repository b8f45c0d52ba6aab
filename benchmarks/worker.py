"""flowgauge itself as a contestant: the real worker as a process, observed through /ready and /metrics."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.broker import delete_topics, write
from benchmarks.errors import BenchmarkError
from benchmarks.processes import cpu_of, rss_of
from benchmarks.run import Run
from benchmarks.workload import Workload, flow_yaml
from tests.kafka.worker import Deployment, Worker

WINDOW = "90d"
# A poll is a connection and a thread of the worker: every 20 ms it would take a fifth of its time. So the longer
# something takes, the fewer polls: a fiftieth of it is what a figure can be wrong by.
SHORTEST_POLL, LONGEST_POLL = 0.02, 0.25
PRECISION = 0.02
READY_SECONDS = 1_200.0


class BenchWorker(Worker):
    """A worker with its time and memory. `module` runs instead of the worker command."""

    def __init__(
        self, deployment: Deployment, config: Path, name: str = "w1", module: str = "", **environment: str
    ) -> None:
        super().__init__(deployment, config, name=name)
        self._environment |= environment
        if module:
            self._command = [sys.executable, "-m", module, str(config), str(deployment.folder / f"{name}.freshness")]

    @property
    def pid(self) -> int:
        """The process's number."""
        if self._process is None:
            raise BenchmarkError(f"worker {self.name} was never started")
        return self._process.pid

    def cpu(self) -> float:
        """CPU seconds up to now."""
        return cpu_of(self.pid)

    def rss(self) -> int:
        """Its memory, in bytes."""
        return rss_of(self.pid)

    def reasons(self) -> list[str] | None:
        """Return why it is not ready: an empty list if it is, None while nobody answers."""
        status, body = self.get("/ready")
        return [row["reason"] for row in json.loads(body)["reasons"]] if status else None

    def wait(self, happened: Callable[[list[str]], bool], what: str) -> tuple[float, float]:
        """Wait until the reasons are as wanted; return the instant (monotonic seconds) and the CPU seconds of then."""
        begun = time.monotonic()
        while True:
            reasons = self.reasons()
            if reasons is not None and happened(reasons):
                return time.monotonic(), self.cpu()
            if not self.alive or time.monotonic() > begun + READY_SECONDS:
                raise BenchmarkError(f"{self.name}: {what}: {reasons}\n{self.log[-4000:]}")
            pause(begun)

    def applied(self) -> int:
        """Return how many events it has applied since it was started."""
        samples = self.samples("flow_events_total")
        if any(labels["outcome"] == "rejected" for labels, _ in samples):
            raise BenchmarkError(f"{self.name} rejects events: {samples}")
        return int(sum(value for labels, value in samples if labels["outcome"] == "applied"))

    def samples(self, name: str) -> list[tuple[Mapping[str, str], float]]:
        """Yield labels and value of each sample of a metric."""
        status, body = self.get(f"/metrics?name[]={name}")
        if not status:
            raise BenchmarkError(f"{self.name} does not answer: {body}\n{self.log[-4000:]}")
        families = text_string_to_metric_families(body)
        return [
            (sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name
        ]


def pause(begun: float) -> None:
    """Wait until the next poll for what has been awaited since `begun` (monotonic seconds)."""
    time.sleep(min(LONGEST_POLL, max(SHORTEST_POLL, PRECISION * (time.monotonic() - begun))))


def deployed(run: Run, name: str, teams: int, events: Workload | None = None) -> tuple[Deployment, Path]:
    """Create a deployment's topics with the workload's events, and a flow.yaml with that many teams."""
    deployment = place(run, name)
    deployment.create_topics()
    if events is not None:
        write(run.kafka, deployment.topic("events"), events.partitions)
    return deployment, deployment.config(flow_yaml(teams))


def place(run: Run, name: str) -> Deployment:
    """Return a new deployment, without topics."""
    unique = run.name(name)
    folder = run.folder / unique
    folder.mkdir()
    return Deployment(run.kafka, f"{unique}.", folder)


def dropped(run: Run, deployment: Deployment) -> None:
    """Delete a deployment's topics."""
    delete_topics(run.kafka, deployment.prefix)


def counted(workers: Sequence[BenchWorker]) -> dict[str, tuple[int, int]]:
    """Return the items in progress and finished by team, as the workers show them."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for worker in workers:
        for labels, value in worker.samples("flow_load_items"):
            found[labels["team"]][0] += int(value)
        for labels, value in worker.samples("flow_velocity_items"):
            found[labels["team"]][1] += int(value) if labels["window"] == WINDOW else 0
    return {team: (both[0], both[1]) for team, both in sorted(found.items()) if any(both)}


def compare(name: str, found: Mapping[str, Any], expected: Mapping[str, tuple[int, int]]) -> None:
    """Raise BenchmarkError if a contestant has counted something else."""
    mine = {team: tuple(both) for team, both in found.items()}
    wrong = [team for team in {**mine, **expected} if mine.get(team) != expected.get(team)]
    if wrong:
        shown = [f"{team}: {mine.get(team)} instead of {expected.get(team)}" for team in sorted(wrong)[:5]]
        raise BenchmarkError(f"{name} counts {len(wrong)} teams wrong (in progress, finished): {'; '.join(shown)}")
