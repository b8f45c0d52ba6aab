"""The targets of faults: Kafka, its topics, the proxies and the workers."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Mapping, Sequence

from tests.chaos.faults import Fault
from tests.chaos.supervisor import Supervisor
from tests.chaos.topics import cut_topic, delete_topic, write
from tests.kafka.proxy import Direction
from tests.kafka.worker import Deployment

SLOWEST = 3.0
BAD_JSON = b'{"specversion": "1.0", '
SPACES = b" " * 30_000_000
DEEP = b"[" * 5_000
JUNK = b"no row"

Do = Callable[[Fault], None]


class World:
    """Makes faults happen, and undoes them."""

    def __init__(self, deployment: Deployment, workers: Sequence[Supervisor]) -> None:
        self._deployment = deployment
        self._broker = deployment.broker
        self._workers = workers
        self._begin: Mapping[tuple[str, str], Do] = {
            ("proxy", "falls silent"): lambda fault: self._silence(fault, Direction.BOTH),
            ("proxy", "falls silent towards Kafka"): lambda fault: self._silence(fault, Direction.TO_SERVER),
            ("proxy", "falls silent towards the worker"): lambda fault: self._silence(fault, Direction.TO_CLIENT),
            ("proxy", "is cut"): lambda fault: self._broker.proxies[fault.number].cut(),
            ("proxy", "delays"): lambda fault: self._broker.proxies[fault.number].delay(SLOWEST * fault.share),
            ("worker", "is killed"): lambda fault: self._workers[fault.number].kill(),
            ("worker", "is told to end"): lambda fault: self._workers[fault.number].terminate(),
            ("worker", "is stopped"): lambda fault: self._signal(fault, signal.SIGSTOP),
            ("kafka", "is killed"): lambda _: self._broker.kill(),
            ("kafka", "is stopped"): lambda _: self._broker.pause(),
            ("kafka", "loses the items topic"): lambda _: delete_topic(self._broker, self._deployment.topic("items")),
            ("kafka", "loses the oldest items"): lambda fault: self._cut_items(fault.share),
            ("kafka", "gets bad JSON"): lambda _: self._write("events", BAD_JSON),
            ("kafka", "gets 30 MB of compressed spaces"): lambda _: self._write("events", SPACES, compressed=True),
            ("kafka", "gets a deep list in items"): lambda _: self._write("items", DEEP),
            ("kafka", "gets a junk row in histories"): lambda _: self._write("histories", JUNK),
        }
        self._end: Mapping[tuple[str, str], Do] = {
            ("worker", "is stopped"): lambda fault: self._signal(fault, signal.SIGCONT),
            ("kafka", "is killed"): lambda _: self._broker.start(),
            ("kafka", "is stopped"): lambda _: self._broker.resume(),
            ("kafka", "loses the items topic"): lambda _: self._deployment.create_topics(),
        }

    def begin(self, fault: Fault) -> None:
        """Make a fault happen."""
        self._begin[fault.kind.target, fault.kind.name](fault)

    def end(self, fault: Fault) -> None:
        """Undo a fault, if it does not end by itself."""
        if fault.kind.target == "proxy":
            self._broker.proxies[fault.number].pass_on()
        else:
            undo = self._end.get((fault.kind.target, fault.kind.name))
            if undo is not None:
                undo(fault)

    def _silence(self, fault: Fault, direction: Direction) -> None:
        self._broker.proxies[fault.number].silence(direction)

    def _signal(self, fault: Fault, number: int) -> None:
        self._workers[fault.number].worker.signal(number)

    def _cut_items(self, share: float) -> None:
        cut_topic(self._broker, self._deployment.topic("items"), self._deployment.items_partitions, share)

    def _write(self, topic: str, value: bytes, *, compressed: bool = False) -> None:
        """Write a record under a key that no item has."""
        key = f"nobody-{secrets.token_hex(4)}".encode()
        write(self._broker, self._deployment.topic(topic), key, value, compressed=compressed)
