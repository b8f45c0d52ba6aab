"""The Faust app of a worker. It passes assignments, batches and the end to the worker, and runs its timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import uuid4

import faust
from faust.app.base import BootStrategy
from faust.types import TransportT
from mode import Service, ServiceT

from stream.config.model import FlowConfig
from stream.errors import KafkaError
from stream.faust_edge.client import own_tp
from stream.faust_edge.consumer import Transport
from stream.faust_edge.latest import latest
from stream.faust_edge.process import FlowWorker
from stream.faust_edge.streams import AckedMessage, FaustStreams
from stream.faust_edge.table import RowTable, RowTables
from stream.kafka.admin import ensure_topics
from stream.kafka.generations import describe
from stream.kafka.offsets import Offsets
from stream.kafka.outbox import Outbox, Row
from stream.kafka.places import TP
from stream.kafka.topics import DEAD_LETTERS, EVENTS, HISTORIES, ITEMS
from stream.settings import Settings
from stream.worker.clients import Clients
from stream.worker.fatal import ending_on_error, stop_unacknowledged
from stream.worker.freeze_guard import HEARTBEAT_EVERY, SESSION_TIMEOUT, WRITE_DEADLINE, FreezeGuard
from stream.worker.worker import COMMIT_EVERY, Timer, Worker

# Large polls cost Faust less time for each record. But fetches of 8 MiB cost the client more CPU than those of 1 MiB.
RECORDS_A_POLL = 20_000
BYTES_A_PARTITION = 2 * 1024 * 1024
BATCHES_AHEAD = 4
# Seconds after which a connection that a firewall has dropped is closed. Faust's default is 90.
REQUEST_TIMEOUT = 40.0


class Boot(BootStrategy):
    """Faust's services, without its web server, inside the worker's own."""

    app: FlowApp

    def server(self) -> Iterable[ServiceT]:
        """Return the services to start: the worker's first, before Faust connects."""
        return [self.app.surroundings, *super().server()]

    def web_server(self) -> Iterable[ServiceT]:
        """Return no web server, whatever the command line says: Faust's would show tables to anybody."""
        return []


class FlowApp(faust.App):
    """The Faust app around a worker."""

    BootStrategy = Boot

    def __init__(self, settings: Settings, config: FlowConfig) -> None:
        client_id = f"flowgauge-{uuid4().hex}"
        super().__init__(settings.group, **_options(settings, client_id))
        # Faust warns of this before the first rebalance, when there cannot be such a state yet.
        logging.getLogger(__name__).addFilter(lambda record: "Missing sensor state" not in record.msg)
        self._events, self._items = settings.topic(EVENTS), settings.topic(ITEMS)
        histories = self._raw_topic(settings.topic(HISTORIES))
        table = RowTable(self, name="histories", changelog_topic=histories, recovery_buffer_size=2)
        self.tables.add(table)
        self.worker = Worker(settings, config, self._clients(settings, client_id, table))
        table.store.on_recovered = self._recovered
        table.store.on_refused = partial(self.worker.engine.unreadable.note_batch, settings.topic(HISTORIES))
        table.store.on_unreadable = partial(self.worker.engine.unreadable.note_row, settings.topic(HISTORIES))
        self.surroundings = Surroundings(self.worker)
        self.on_partitions_revoked.connect(self._revoked)
        self.on_partitions_assigned.connect(self._assigned)  # type: ignore[arg-type]
        self.agent(self._raw_topic(self._events), name="track")(self._track)
        self.agent(self._raw_topic(self._items), name="measure")(self._measure)

    def _clients(self, settings: Settings, client_id: str, table: RowTable) -> Clients:
        freeze_guard = FreezeGuard()

        def may_write() -> None:
            try:
                freeze_guard.check()
            except KafkaError as error:
                stop_unacknowledged(error)

        return Clients(
            client_id=client_id,
            freeze_guard=freeze_guard,
            streams=FaustStreams(self),
            rows=table.store,
            outbox=Outbox(
                settings.brokers,
                WRITE_DEADLINE,
                may_write,
                compressed=[settings.topic(DEAD_LETTERS)],
                too_large=self._unwritten,
            ),
            feed_outbox=Outbox(settings.brokers, WRITE_DEADLINE, may_write, idempotent=True, too_large=self._unwritten),
            offsets=Offsets(settings.brokers, settings.group),
            read_latest=latest,
            declare=ensure_topics,
            describe=describe,
        )

    def _unwritten(self, tp: TP, row: Row) -> None:
        self.worker.engine.unreadable.note_unwritten(tp, row)

    def _raw_topic(self, name: str) -> Any:
        return self.topic(name, key_serializer="raw", value_serializer="raw")

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)

    def _new_consumer(self) -> Any:
        consumer: Any = super()._new_consumer()
        consumer.replayed = frozenset({self._items})
        return consumer

    def _create_directories(self) -> None:
        """Do nothing: all state is in Kafka."""

    async def on_stop(self) -> None:
        """Stop all writes, then leave the group, since the next owner of the partitions writes at once.

        Whatever the reason for the end, the worker shows nothing from now on and has a deadline to stop.
        """
        self.worker.engine.ending.begin()
        await self.worker.revoke()
        await super().on_stop()

    async def _revoked(self, *_: Any, **__: Any) -> None:
        with ending_on_error():
            await self.worker.revoke()

    async def _assigned(self, _: Any, assigned: set[Any], **__: Any) -> None:
        with ending_on_error():
            events = {tp.partition for tp in assigned if tp.topic == self._events}
            await self.worker.assign(events, {tp.partition for tp in assigned if tp.topic == self._items})

    async def _recovered(self, partitions: set[int]) -> None:
        with ending_on_error():
            await self.worker.recovered(partitions)

    async def _track(self, batches: Any) -> None:
        """Pass each batch of events to the worker, which makes it durable before its offset is committed."""
        async for event in batches.events():
            with ending_on_error():
                for tp, polled in event.value:
                    await self.worker.take_events(AckedMessage(event.message, self.consumer), own_tp(tp), polled)
                # Give the writer a turn, even if many batches wait.
                await asyncio.sleep(0)

    async def _measure(self, batches: Any) -> None:
        """Pass each batch of summaries to the worker."""
        async for event in batches.events():
            with ending_on_error():
                for tp, polled in event.value:
                    await self.worker.take_summaries(own_tp(tp), polled)


class Surroundings(Service):
    """The worker as a service that starts before Faust's consumer and stops after it."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    async def on_start(self) -> None:
        """Start the worker, or end the process with one line if topics, port or Kafka cannot work."""
        with ending_on_error():
            await self._worker.start()
        for timer in self._worker.timers:
            self.add_future(self._run(timer))

    async def on_stop(self) -> None:
        """Close the metrics page and the connections."""
        await self._worker.stop()

    async def _run(self, timer: Timer) -> None:
        while not self.should_stop:
            await self.sleep(timer.pause())
            with ending_on_error():
                await timer.call()


def _options(settings: Settings, client_id: str) -> dict[str, Any]:
    return {
        # Faust would let variables such as BROKER_CLIENT_ID override what is set here.
        "env_prefix": "FLOWGAUGE_NO_SETTING_",
        "broker": ";".join(f"kafka://{broker}" for broker in settings.brokers),
        "store": "memory://",
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "consumer_auto_offset_reset": "earliest",
        "broker_client_id": client_id,
        "broker_request_timeout": REQUEST_TIMEOUT,
        "broker_session_timeout": SESSION_TIMEOUT,
        "broker_heartbeat_interval": HEARTBEAT_EVERY,
        "broker_commit_interval": COMMIT_EVERY,
        "broker_max_poll_records": RECORDS_A_POLL,
        "consumer_max_fetch_size": BYTES_A_PARTITION,
        "stream_buffer_maxsize": BATCHES_AHEAD,
        "web_enabled": False,
        "canonical_url": f"http://{settings.web_host}:{settings.web_port}",
        "datadir": settings.data_dir,
        "worker_redirect_stdouts": False,
        "Worker": FlowWorker,
        "TableManager": RowTables,
    }
