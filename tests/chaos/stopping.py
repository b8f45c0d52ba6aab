"""Rounds in which workers are told to end, and the behaviour of each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka.errors import KafkaError

from stream.kafka.admin import ensure_topics
from stream.settings import Settings
from tests.chaos.moments import WORKERS, Plan
from tests.chaos.observer import AFTER_SIGTERM
from tests.chaos.supervisor import STOP_MARGIN, STOP_SECONDS
from tests.chaos.topics import remove_members
from tests.kafka.broker import Broker
from tests.kafka.feed import records
from tests.kafka.probe import Probe
from tests.kafka.topics import Record, produce
from tests.kafka.two_streams import FLOW_YAML, changes
from tests.kafka.worker import Deployment, Worker, all_ready

FEW, MANY, LIVE = 300, 60_000, 50
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
REASON_SECONDS = 40.0
LOOK_EVERY = 0.05
LAST_WORDS = 300


@dataclass(frozen=True)
class Stop:
    """The end of one worker that was told to end.

    `took` is the seconds from SIGTERM to its end; None if it had ended before, so that this moment does not count.
    `wrong` says what was wrong, and is empty if nothing was.
    """

    plan: Plan
    took: float | None
    wrong: str = ""


@dataclass
class Lane:
    """A broker for rounds. Rounds of several lanes run at the same time."""

    broker: Broker
    folder: Path
    rounds: int = 0
    _with_rows: Deployment | None = field(default=None, init=False)

    def play(self, plan: Plan) -> list[Stop]:
        """Run one round, and return the end of each worker that was told to end."""
        self.rounds += 1
        deployment = self._prepare(plan)
        config = deployment.config(FLOW_YAML)
        with ExitStack() as stack:
            workers = [
                Worker(deployment, config, name=f"w{number}", bootstrap=proxy.address)
                for number, proxy in enumerate(self.broker.proxies)
            ]
            for worker in workers:
                stack.callback(worker.kill)
            probes = [stack.enter_context(worker.probe(LOOK_EVERY)) for worker in workers]
            stack.callback(self._heal)
            for worker in workers[: plan.scenario.ready]:
                worker.start()
            all_ready(workers[: plan.scenario.ready])
            if plan.scenario.name == "live":
                stack.enter_context(_events_coming(deployment))
            return self._tell(plan, workers, probes)

    def _prepare(self, plan: Plan) -> Deployment:
        if plan.scenario.name == "recovery":
            if self._with_rows is None:
                self._with_rows = self._deploy("rows.", MANY)
                with Worker(self._with_rows, self._with_rows.config(FLOW_YAML), name="first") as worker:
                    worker.wait_ready().stop()
            remove_members(self.broker, f"{self._with_rows.prefix}engine")
            return self._with_rows
        return self._deploy(f"round{self.rounds}.", MANY if plan.scenario.name == "backlog" else FEW)

    def _deploy(self, prefix: str, items: int) -> Deployment:
        """Create topics with one event for each of this many items."""
        folder = self.folder / prefix
        folder.mkdir()
        deployment = Deployment(self.broker, prefix, folder, items_partitions=2)
        ensure_topics(Settings.from_env(deployment.environment()))
        produce(self.broker, deployment.topic("events"), _events(range(items)))
        return deployment

    def _heal(self) -> None:
        for proxy in self.broker.proxies:
            proxy.pass_on()
        self.broker.resume()
        self.broker.wait_up()

    def _tell(self, plan: Plan, workers: Sequence[Worker], probes: Sequence[Probe]) -> list[Stop]:
        """Begin the round, tell each worker to end at its time, and watch it."""
        for worker in workers[plan.scenario.ready :]:
            worker.start()
        for worker in workers[: plan.scenario.killed]:
            worker.kill()
        with ThreadPoolExecutor(WORKERS + 1) as pool:
            if plan.paused is not None:
                last = plan.told_workers[-1]
                pool.submit(self._pause, plan, workers[last], probes[last])
            told = [
                pool.submit(self._tell_one, plan, number, workers[number], probes[number])
                for number in plan.told_workers
            ]
            return [one.result() for one in told]

    def _pause(self, plan: Plan, worker: Worker, probe: Probe) -> None:
        _wait_to(_zero(plan, worker, probe) + (plan.paused or 0.0))
        self.broker.pause()

    def _tell_one(self, plan: Plan, number: int, worker: Worker, probe: Probe) -> Stop:
        zero, silent = _zero(plan, worker, probe), plan.silent[number]
        if silent is not None:
            _wait_to(zero + silent)
            self.broker.proxies[number].silence()
        _wait_to(zero + plan.told[number])
        return stop(plan, worker, probe)


def stop(plan: Plan, worker: Worker, probe: Probe) -> Stop:
    """Send SIGTERM, wait for the end, and check what the worker said meanwhile."""
    if not worker.alive:
        return Stop(plan, None)
    told = time.monotonic()
    worker.terminate()
    worker.wait_end(STOP_SECONDS + STOP_MARGIN)
    took = time.monotonic() - told
    wrong = []
    if worker.alive:
        wrong.append(f"it still ran {took:.1f} s after SIGTERM")
    if said := probe.claims(told + AFTER_SIGTERM):
        last = said[-1]
        wrong.append(f"{len(said)} answers with numbers, the last {last.began - told:.1f} s after: {last.path}")
    if "Traceback" in worker.log:
        wrong.append("a traceback")
    return Stop(plan, took, f"{'; '.join(wrong)}. Its last words: {worker.log[-LAST_WORDS:]!r}" if wrong else "")


def _zero(plan: Plan, worker: Worker, probe: Probe) -> float:
    """Wait for the scenario's reason, and return the instant from which its times count."""
    deadline = time.monotonic() + REASON_SECONDS
    while plan.scenario.reason and worker.alive and time.monotonic() < deadline:
        if plan.scenario.reason in _reasons(probe):
            break
        time.sleep(LOOK_EVERY)
    return time.monotonic()


def _reasons(probe: Probe) -> list[str]:
    """Return the reasons of the newest answer of `/ready`."""
    said = [one.body for one in probe.answers[-2:] if one.path == "/ready" and one.status == 503]
    return [reason["reason"] for body in said[-1:] for reason in json.loads(body)["reasons"]]


@contextmanager
def _events_coming(deployment: Deployment) -> Iterator[None]:
    """Send events during the block, as long as Kafka accepts them."""
    over = threading.Event()

    def feed() -> None:
        first = MANY
        while not over.wait(0.1):
            try:
                produce(deployment.broker, deployment.topic("events"), _events(range(first, first + LIVE)))
            except (KafkaError, TimeoutError):
                continue
            first += LIVE

    thread = threading.Thread(target=feed, name="feed", daemon=True)
    thread.start()
    yield
    over.set()
    deployment.broker.resume()
    thread.join()


def _events(items: range) -> list[Record]:
    return records(changes(items, "Doing", BEGIN))


def _wait_to(instant: float) -> None:
    time.sleep(max(0.0, instant - time.monotonic()))
