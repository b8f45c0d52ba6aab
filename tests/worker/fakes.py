"""A worker's outside in memory: streams that keep the progress of each partition, and clients that tests replace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stream.config.loading import load_config
from stream.flow.nodes import Node
from stream.kafka.places import TP
from stream.kafka.progress import Progress
from stream.kafka.read_results import Polled
from stream.settings import Settings
from stream.worker.clients import Clients
from stream.worker.engine import Engine
from stream.worker.freeze_guard import FreezeGuard

FLOW_YAML = Path(__file__).parents[2] / "deploy" / "flow.yaml"
# A team of this organisation, in its home backlog.
CARDS = Node("team", "Payments", "Checkout", "Cards", "stories")


class FakeStreams:
    """Keeps the progress of each partition. `asked` are the places from which a re-read was requested."""

    def __init__(self) -> None:
        self.progress: dict[TP, Progress] = {}
        self.asked: list[tuple[TP, int]] = []
        self.commits = True

    def of(self, tp: TP) -> Progress:
        return self.progress.setdefault(tp, Progress())

    def reached(self, tp: TP) -> int:
        return self.of(tp).reached

    def follows(self, tp: TP, polled: Polled) -> bool:
        return self.of(tp).follows(polled.previous)

    def processed(self, tp: TP, next_offset: int) -> None:
        self.of(tp).process(next_offset)

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        self.of(tp).complete(next_offset, metadata)

    def see_committed(self, tp: TP, offset: int) -> None:
        self.of(tp).see_committed(offset)

    async def read_again(self, tp: TP) -> None:
        self.asked.append((tp, self.of(tp).reached))

    async def begin_at(self, tp: TP, offset: int) -> None:
        self.of(tp).begin(offset)

    async def force_commit(self) -> bool:
        return self.commits

    async def recover_missing(self) -> dict[TP, int]:
        return {}


class FakeRows:
    """The rows of all partitions, as plain dicts."""

    def __init__(self) -> None:
        self.partitions: dict[int, dict[bytes, bytes]] = {}

    def rows(self, partition: int) -> dict[bytes, bytes]:
        return self.partitions.setdefault(partition, {})

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        pass

    def compress(self) -> Iterator[None]:
        return iter(())


def clients(**others: Any) -> Clients:
    """Make clients. Only the streams and rows work, and the clients that are given."""
    nothing: Any = None
    made: dict[str, Any] = {
        "client_id": "test",
        "freeze_guard": FreezeGuard(),
        "streams": FakeStreams(),
        "rows": FakeRows(),
        "outbox": nothing,
        "feed_outbox": nothing,
        "offsets": nothing,
        "read_latest": nothing,
        "declare": lambda _: None,
        "describe": lambda _, names: dict.fromkeys(names),
    }
    return Clients(**(made | others))


def engine(*, clock: Any = None, outside: Clients | None = None, **settings: str) -> Engine:
    """Make an engine for the example organisation. `settings` are FLOW_* variables without their prefix."""
    environ = {"FLOW_CONFIG": str(FLOW_YAML)} | {f"FLOW_{name}": value for name, value in settings.items()}
    return Engine(Settings.from_env(environ), load_config(FLOW_YAML), outside or clients(), clock)


class FakeDelivery:
    """The delivery of one or more batches. It is `acked` once all of its processed records are durable."""

    def __init__(self) -> None:
        self._open = 0

    def taken(self) -> None:
        self._open += 1

    def done(self) -> None:
        self._open -= 1

    @property
    def acked(self) -> bool:
        return self._open == 0
