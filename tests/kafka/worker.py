"""The product's own commands as subprocesses: `python -m stream worker`, and those that end by themselves."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kafka.broker import Broker
from tests.kafka.jars import REPOSITORY
from tests.kafka.probe import EVERY, Probe
from tests.tools.ports import free_port

READY_SECONDS = 120
STOP_SECONDS = 30
COMMAND_SECONDS = 180
GET_SECONDS = 10
TAIL = 6_000


class WorkerError(AssertionError):
    """A worker did not do what it must. The message has its last output."""


@dataclass
class Deployment:
    """The surroundings of workers: the broker, this test's topics, and a folder for their files."""

    broker: Broker
    prefix: str
    folder: Path
    events_partitions: int = 4
    items_partitions: int = 1

    def environment(self, bootstrap: str | None = None, **more: str) -> dict[str, str]:
        """Return the environment of a command, with no other FLOW_ settings.

        `bootstrap` is Kafka's address, such as a proxy's; else that of the broker itself.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
        return (
            inherited
            | {
                "FLOW_KAFKA_BROKERS": bootstrap or self.broker.bootstrap,
                "FLOW_TOPIC_PREFIX": self.prefix,
                "FLOW_EVENTS_PARTITIONS": str(self.events_partitions),
                "FLOW_ITEMS_PARTITIONS": str(self.items_partitions),
                "FLOW_WEB_HOST": "127.0.0.1",
            }
            | more
        )

    def topic(self, name: str) -> str:
        """Return the topic's full name."""
        return f"{self.prefix}{name}"

    def config(self, text: str, name: str = "flow.yaml") -> Path:
        """Write a configuration and return its path."""
        path = self.folder / name
        path.write_text(text)
        return path

    def create_topics(self) -> None:
        """Create the topics as the product declares them, before any worker does."""
        done = self.run("topics", "apply")
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments: str, timeout: float = COMMAND_SECONDS, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m stream ...` to its end, with its own data folder and free web port."""
        own = {"FLOW_DATA_DIR": str(self.folder / "command"), "FLOW_WEB_PORT": str(free_port())}
        return subprocess.run(
            [sys.executable, "-m", "stream", *arguments],
            env=self.environment(**(own | more)),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )


class Worker:
    """One worker process. Use it as a context manager, which kills a process that still runs at the end.

    `clock` is the worker's clock (`wall`, `event` or an instant). Its web server has a free port.
    `bootstrap` is Kafka's address, such as a proxy's; else that of the broker itself. `environment` is added to
    the deployment's.
    """

    def __init__(
        self,
        deployment: Deployment,
        config: Path,
        *,
        clock: str | None = None,
        name: str = "w1",
        bootstrap: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = free_port()
        self._log = deployment.folder / f"{name}.log"
        self._command = [sys.executable, "-m", "stream", "worker", "-c", str(config)]
        if clock is not None:
            self._command += ["--clock", clock]
        self._environment = deployment.environment(
            bootstrap, FLOW_WEB_PORT=str(self.port), FLOW_DATA_DIR=str(deployment.folder / name), **(environment or {})
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> Self:
        """Start the process, or start it again after `kill` or `stop`, with the same port, log and data folder."""
        if self._process is not None and self._process.poll() is None:
            raise WorkerError(f"worker {self.name} is running already")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def wait_ready(self, timeout: float = READY_SECONDS) -> Self:
        """Wait until `/ready` answers 200.

        Raises WorkerError with the last answer and the log's end, if time is up or the process has ended.
        """
        deadline = time.monotonic() + timeout
        status, body = self.get("/ready")
        while status != http.client.OK:
            if not self.alive or time.monotonic() > deadline:
                raise WorkerError(self._last_words(f"not ready within {timeout} s; /ready last: {status} {body}"))
            time.sleep(0.1)
            status, body = self.get("/ready")
        return self

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, negative for the signal that ended the process; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def log(self) -> str:
        """The worker's output on stdout and stderr."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def get(self, path: str, timeout: float = GET_SECONDS) -> tuple[int, str]:
        """Return status and body; status 0 if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error)
        finally:
            connection.close()

    def probe(self, every: float = EVERY) -> Probe:
        """Return a context manager that requests `/ready` and `/metrics` repeatedly."""
        return Probe(self.get, every)

    def metrics(self) -> str:
        """Return `/metrics` in Prometheus' text format. Raises WorkerError."""
        status, body = self.get("/metrics")
        if status != http.client.OK:
            raise WorkerError(self._last_words(f"/metrics: {status} {body}"))
        return body

    def kill(self) -> None:
        """End the process with SIGKILL: it cannot commit, flush or leave its group. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def terminate(self) -> None:
        """Send SIGTERM, and do not wait for the end."""
        self.signal(signal.SIGTERM)

    def wait_end(self, seconds: float) -> None:
        """Wait for the process to end by itself, at most this long."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Send SIGTERM. Raises WorkerError unless the process ends within `timeout` seconds with status 0."""
        if self._process is None:
            raise WorkerError(f"worker {self.name} was never started")
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise WorkerError(self._last_words(f"did not stop within {timeout} s of SIGTERM")) from error
        if status != 0:
            raise WorkerError(self._last_words(f"ended with status {status} after SIGTERM"))

    def _last_words(self, what: str) -> str:
        state = "running" if self.alive else f"ended, status {self._process and self._process.returncode}"
        return f"worker {self.name} ({state}): {what}\n--- end of its log\n{self.log[-TAIL:]}"


def one_refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a command that failed. Raises AssertionError if it did anything else."""
    lines = done.stderr.splitlines()
    assert done.returncode == 1, f"status {done.returncode}\n{done.stdout}{done.stderr}"
    assert len(lines) == 1, f"{len(lines)} lines on stderr instead of one:\n{done.stderr}"
    assert lines[0].startswith("flowgauge: "), lines[0]
    assert "Traceback" not in done.stdout, done.stdout
    return lines[0]


def stop_all(workers: Iterable[Worker]) -> None:
    """Stop each worker. Raises WorkerError for the first that does not end as it must."""
    for worker in workers:
        worker.stop()


def all_ready(workers: Sequence[Worker], timeout: float = READY_SECONDS) -> None:
    """Wait until each worker is ready. Raises WorkerError."""
    for worker in workers:
        worker.wait_ready(timeout)
