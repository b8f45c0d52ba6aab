"""A real Kafka for the tests, without Docker: one KRaft node with its own data, on free loopback ports."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka.jars import BrokerError, jars, java
from tests.kafka.proxy import Proxy
from tests.tools.ports import free_port

START_SECONDS = 60
STOP_SECONDS = 20
# The limit of the tests' own clients. The broker has Kafka's default limits, except where a topic sets its own.
LARGEST_MESSAGE = 32 * 1024 * 1024
CLUSTER_ID = "Zmxvd2dhdWdlLXRlc3RzLg"

# The lower bound of the session timeout is reduced, so that a killed worker's partitions move soon. The broker's own
# session with its controller is short: a killed broker may register again only after its former session has ended.
# A transaction of a killed producer is aborted soon after its timeout. Until then nobody can read past it.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
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
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.enable=true
log.cleaner.dedupe.buffer.size=4194304
"""


class Broker:
    """One Kafka node with its own data folder; use it as a context manager.

    `proxied` is the number of proxies in front of it, each with a listener of its own. A client that is given a proxy's
    address uses that proxy for everything, since the listener advertises it.
    Raises BrokerError if Java or Maven is missing, or if Kafka does not start.
    """

    def __init__(self, proxied: int = 0) -> None:
        self._port = free_port()
        self._controller = free_port()
        self._behind_proxies = [free_port() for _ in range(proxied)]
        self.proxies: list[Proxy] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="flowgauge-kafka-")
        self._log = Path(self._folder.name) / "kafka.log"
        self._output: IO[bytes] | None = None
        self._exits = ExitStack()

    @property
    def bootstrap(self) -> str:
        """The address for clients without a proxy, `host:port`."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            self.proxies = [self._exits.enter_context(Proxy(port)) for port in self._behind_proxies]
            self._format()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the node, by force if necessary, and remove its data. Idempotent."""
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
        self._exits.close()
        if self._output is not None:
            self._output.close()
        self._folder.cleanup()

    def kill(self) -> None:
        """End the node with SIGKILL, even while it is paused. Its data and ports stay for `start`."""
        process = self._running()
        self._process = None
        process.kill()
        process.wait()

    def start(self) -> None:
        """Start the node on its data and wait until it answers, also after `kill`."""
        if self._process is not None:
            raise BrokerError("the broker is running already")
        command = [*self._jvm(), "kafka.Kafka", str(self._properties())]
        self._process = subprocess.Popen(command, stdout=self._logged(), stderr=subprocess.STDOUT)
        self.wait_up()

    def pause(self) -> None:
        """Freeze the node: connections stay open, but it does not answer."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node continue."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError("the broker is not running")
        return self._process

    def _format(self) -> None:
        storage = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties())]
        formatted = subprocess.run(
            [*self._jvm(), *storage], stdout=self._logged(), stderr=subprocess.STDOUT, check=False, timeout=60
        )
        if formatted.returncode != 0:
            raise BrokerError(f"Kafka's storage could not be formatted:\n{self._log.read_text()}")

    def _properties(self) -> Path:
        """Write the node's settings and return their path."""
        ports = {"PLAINTEXT": self._port} | {f"P{n}": port for n, port in enumerate(self._behind_proxies, 1)}
        shown = ports | {f"P{n}": proxy.port for n, proxy in enumerate(self.proxies, 1)}
        path = Path(self._folder.name) / "server.properties"
        path.write_text(
            PROPERTIES.format(
                listeners=_listeners(ports),
                advertised=_listeners(shown),
                protocols=",".join(f"{name}:PLAINTEXT" for name in ports),
                controller=self._controller,
                folder=self._folder.name,
            )
        )
        return path

    def _jvm(self) -> list[str]:
        return [java(), "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars()}/*"]

    def _logged(self) -> IO[bytes]:
        if self._output is None:
            self._output = self._log.open("ab")
        return self._output

    def wait_up(self) -> None:
        """Wait until the node answers and accepts work. After a long pause it must first register again."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._running().poll() is not None or time.monotonic() > deadline:
                raise BrokerError(f"Kafka did not come up in {START_SECONDS} s:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        # The client logs an error if nobody listens yet, so the port is tried first.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)) != 0:
                return False
        try:
            return asyncio.run(_has_brokers(self.bootstrap))
        except KafkaError:
            return False


def _listeners(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())


async def _has_brokers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    finally:
        await admin.close()
