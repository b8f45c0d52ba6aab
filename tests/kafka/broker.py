"""A real Kafka for the tests, without Docker: one KRaft node with its own data, on free loopback ports."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka.jars import BrokerError, jars, java

START_SECONDS = 60
STOP_SECONDS = 20
LARGEST_MESSAGE = 32 * 1024 * 1024
CLUSTER_ID = "Zmxvd2dhdWdlLXRlc3RzLg"

# The 10 MB event of the poison test must reach the worker, so the broker's limit is far above it.
# The session timeout's lower bound is opened, so that a killed worker's partitions can move on soon.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.enable=true
log.cleaner.dedupe.buffer.size=4194304
message.max.bytes={largest}
"""


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """One Kafka node with its own data folder; use it as a context manager.

    Raises BrokerError where Java or Maven is missing, or Kafka does not come up.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="flowgauge-kafka-")
        self._log = Path(self._folder.name) / "kafka.log"
        self._output: IO[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients, `host:port`."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the node, by force if it does not go by itself, and remove its data. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            # A paused process would not see SIGTERM.
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._output is not None:
            self._output.close()
        self._folder.cleanup()

    def pause(self) -> None:
        """Stop the node in its tracks: connections stay open and nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node go on."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError("the broker is not running")
        return self._process

    def _start(self) -> None:
        properties = Path(self._folder.name) / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                port=self._port, controller=free_port(), folder=self._folder.name, largest=LARGEST_MESSAGE
            )
        )
        jvm = [java(), "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars()}/*"]
        self._output = self._log.open("ab")
        storage = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)]
        formatted = subprocess.run(
            [*jvm, *storage], stdout=self._output, stderr=subprocess.STDOUT, check=False, timeout=60
        )
        if formatted.returncode != 0:
            raise BrokerError(f"Kafka's storage could not be formatted:\n{self._log.read_text()}")
        command = [*jvm, "kafka.Kafka", str(properties)]
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._running().poll() is not None or time.monotonic() > deadline:
                raise BrokerError(f"Kafka did not come up in {START_SECONDS} s:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        # The client complains in the log where nobody listens yet, so the port is tried first.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)) != 0:
                return False
        try:
            return asyncio.run(_has_brokers(self.bootstrap))
        except KafkaError:
            return False


async def _has_brokers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    finally:
        await admin.close()
