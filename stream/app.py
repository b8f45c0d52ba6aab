"""Wires the worker: settings, topics, table, agents, page. `faust -A stream.app worker` starts it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.types import TP
from mode import Service, ServiceT

from stream.agents.engine import Engine
from stream.agents.fatal import stop_unacknowledged
from stream.agents.feed import Feed
from stream.agents.measure import Measure
from stream.agents.pace import Pace
from stream.agents.process import FlowWorker
from stream.agents.pulse import HEARTBEAT_EVERY, SESSION_TIMEOUT
from stream.agents.topics_watch import TopicsWatch
from stream.agents.track import Track
from stream.errors import FlowgaugeError, KafkaUnreachableError
from stream.gauges.metrics import Metrics
from stream.gauges.page import Page
from stream.gauges.snapshot import Snapshot
from stream.kafka.admin import ensure_topics
from stream.kafka.table import RowTable, RowTables
from stream.kafka.transport import Consumer
from stream.settings import Settings

COMMIT_EVERY = 0.5
WATCH_EVERY_UNREADY = 0.2
# Large polls spare Faust's time; but fetches of 8 MiB cost the client more CPU for each record than those of one.
RECORDS_A_POLL = 20_000
BYTES_A_PARTITION = 2 * 1024 * 1024
BATCHES_AHEAD = 4
SWEEP_EVERY = 3_600.0
COMPRESS_EVERY = 5.0
LOOK_EVERY = 0.1
# Seconds; Prometheus gives a scrape ten.
SCRAPE_WAITS = 5.0
# A worker holds millions of objects that live long, and Python looks for cycles among all of them each time that a
# quarter more have come: a quarter of its time. Next to none are in cycles, so it looks seldom at all of them, and at
# the new ones while these are few, since events wait meanwhile.
GC_THRESHOLDS = (2_000, 10, 250_000)
FEED_EVERY = 1.0
TOPICS_EVERY = 5.0
COMMIT_PATIENCE = 2.0
log = logging.getLogger(__name__)


class Boot(BootStrategy):
    """Faust's services without its web server, with ours around them."""

    app: FlowApp

    def server(self) -> Iterable[ServiceT]:
        """Start what the worker needs before Faust connects, then Faust."""
        return [self.app.surroundings, *super().server()]

    def web_server(self) -> Iterable[ServiceT]:
        """Start no Faust web server, whatever the command line says: it would show tables to anybody."""
        return []


class FlowApp(faust.App):
    """The Faust app of a worker."""

    BootStrategy = Boot

    def __init__(self, engine: Engine, **options: Any) -> None:
        super().__init__(engine.settings.group, **options)
        self.engine = engine
        self.surroundings = Surroundings(self)
        self.rows = RowTable(
            self,
            name="histories",
            changelog_topic=_raw_topic(self, engine.histories_topic),
            recovery_buffer_size=2,
        )
        self.tables.add(self.rows)

    def _create_directories(self) -> None:
        """Make none: all state is in Kafka."""

    async def on_stop(self) -> None:
        """Write nothing of one's own accord any more, then leave the group: the successor writes at once."""
        if "track" in _parts:
            await track().halt()
        await feed().halt()
        await super().on_stop()


class Surroundings(Service):
    """Topics, outbox, page and the timers; started before Faust's consumer and stopped after it."""

    def __init__(self, app: FlowApp) -> None:
        super().__init__()
        self.app = app
        self.engine = engine = app.engine
        self._page: Page | None = None
        self._topics = TopicsWatch(engine)
        self._metrics = Metrics(engine.wall, engine.numbers, engine.config.item_types, self._renew)

    async def on_start(self) -> None:
        """Refuse at once, in one line, what cannot work: topics, port, Kafka."""
        engine = self.engine
        try:
            self._page = Page(
                engine.settings.web_host,
                engine.settings.web_port,
                engine.wall,
                self._metrics,
            )
            await asyncio.to_thread(ensure_topics, engine.settings)
            await engine.offsets.start()
            await self._topics.begin()
            await engine.outbox.start()
            await engine.feed_outbox.start()
        except Exception as error:
            stop_unacknowledged(error)
        engine.wall.heartbeat = monotonic()
        # Nobody else can take over what the embedded broker holds, so that a laptop may sleep on a demo.
        if not engine.settings.embedded:
            engine.pulse.start()
        self._page.start()
        settings = engine.settings
        address = f"http://{settings.web_host}:{settings.web_port}"
        say(f"reading {engine.events_topic} at {', '.join(settings.brokers)}; {address}/metrics, {address}/ready")

    async def on_stop(self) -> None:
        """Close page and connections."""
        if self._page is not None:
            self._page.stop()
        await self.engine.outbox.stop()
        await self.engine.feed_outbox.stop()
        await self.engine.offsets.stop()

    def _renew(self) -> None:
        """Have the boards read for a scrape, which waits; where the worker is too busy it shows what was read last."""
        if not self.loop.is_running():
            return
        asked = asyncio.run_coroutine_threadsafe(self._read_ahead(), self.loop)
        try:
            asked.result(SCRAPE_WAITS)
        except (TimeoutError, CancelledError):
            asked.cancel()

    async def _read_ahead(self) -> None:
        with _Fatal():
            await measure().renew()
            pace = Pace()
            for _ in self._metrics.ahead():
                await pace.rest()

    @Service.task
    async def _publish(self) -> None:
        was_ready = False
        while not self.should_stop:
            with _Fatal():
                self.engine.pulse.check()
                if not measure().fresh_for:
                    await measure().publish()
                was_ready = self._say_ready(self.engine.wall.snapshot, was_ready=was_ready)
                self.engine.wall.heartbeat = monotonic()
            await asyncio.sleep(max(measure().fresh_for, LOOK_EVERY))

    def _say_ready(self, snapshot: Snapshot, *, was_ready: bool) -> bool:
        if snapshot.ready and not was_ready:
            say("ready: the numbers are true")
        if was_ready and not snapshot.ready:
            say(f"not ready: {'; '.join(detail for _, detail in snapshot.reasons)}")
        return snapshot.ready

    @Service.task
    async def _keep(self) -> None:
        while not self.should_stop:
            await self.sleep(COMMIT_EVERY)
            with _Fatal():
                await track().pass_over(await consumer().recover_missing())
                await track().wake()

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            ready = self.engine.wall.snapshot.ready
            await self.sleep(COMMIT_EVERY if ready else WATCH_EVERY_UNREADY)
            with _Fatal():
                if not ready:
                    # What is ready is asked of what is committed, which need not wait for Faust's turn. Where Kafka
                    # does not answer, the look says so.
                    with suppress(TimeoutError):
                        await asyncio.wait_for(consumer().force_commit(), COMMIT_PATIENCE)
                await measure().watch()
                await measure().rest(alone=track().alone)
                track().watch(measure().readiness.look)

    @Service.task
    async def _watch_topics(self) -> None:
        while not self.should_stop:
            await self.sleep(TOPICS_EVERY)
            with _Fatal():
                try:
                    changed = await self._topics.look()
                except KafkaUnreachableError as error:
                    log.warning("Kafka does not describe its topics: %s", error)
                else:
                    measure().readiness.topics_changed = changed

    @Service.task
    async def _feed(self) -> None:
        while not self.should_stop:
            begun = monotonic()
            with _Fatal():
                await feed().publish()
            # A fifth of the time, and half of that is Kafka's, so that events have room.
            await self.sleep(max(FEED_EVERY, 4 * (monotonic() - begun)))

    @Service.task
    async def _compress(self) -> None:
        while not self.should_stop:
            await self.sleep(COMPRESS_EVERY)
            if self.engine.wall.snapshot.ready:
                with _Fatal():
                    await self._compress_slowly()

    async def _compress_slowly(self) -> None:
        """Compress rows in a twentieth of the time, while the numbers are true: before that there is more to do."""
        pace = Pace(turn=0.001, pause=0.019, pauses=inf)
        for _ in self.app.rows.store.compress():
            await pace.rest()
            if not self.engine.wall.snapshot.ready:
                return

    @Service.task
    async def _sweep(self) -> None:
        while not self.should_stop:
            await self.sleep(SWEEP_EVERY)
            with _Fatal():
                await track().sweep()


class _Fatal:
    """Whatever goes wrong inside ends the worker without acknowledging."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            stop_unacknowledged(error)


def say(text: str) -> None:
    """Tell whoever started the worker."""
    sys.stderr.write(f"flowgauge: {text}\n")
    sys.stderr.flush()


def _raw_topic(app: faust.App, name: str) -> Any:
    return app.topic(name, key_serializer="raw", value_serializer="raw")


def _load() -> Engine:
    try:
        return Engine.load(Settings.from_env(os.environ))
    except FlowgaugeError as error:
        sys.exit(f"flowgauge: {error}")


# Faust warns of a monitor's state that it never makes before the first rebalance.
logging.getLogger("stream.app").addFilter(lambda record: "Missing sensor state" not in record.msg)
gc.set_threshold(*GC_THRESHOLDS)
engine = _load()
app = FlowApp(
    engine,
    broker=";".join(f"flowgauge://{broker}" for broker in engine.settings.brokers),
    store="memory://",
    table_standby_replicas=0,
    topic_allow_declare=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    broker_client_id=engine.client_id,
    broker_session_timeout=SESSION_TIMEOUT,
    broker_heartbeat_interval=HEARTBEAT_EVERY,
    broker_commit_interval=COMMIT_EVERY,
    broker_max_poll_records=RECORDS_A_POLL,
    consumer_max_fetch_size=BYTES_A_PARTITION,
    stream_buffer_maxsize=BATCHES_AHEAD,
    web_enabled=False,
    canonical_url=f"http://{engine.settings.web_host}:{engine.settings.web_port}",
    datadir=engine.settings.data_dir,
    worker_redirect_stdouts=False,
    Worker=FlowWorker,
    TableManager=RowTables,
)
events_topic = _raw_topic(app, engine.events_topic)
items_topic = _raw_topic(app, engine.items_topic)
_parts: dict[str, Any] = {}


def consumer() -> Consumer:
    """Give the app's consumer under its own type."""
    found: Any = app.consumer
    found.replayed = frozenset({engine.items_topic})
    typed: Consumer = found
    return typed


def track() -> Track:
    """Give the tracking, made when the consumer is there."""
    if "track" not in _parts:
        _parts["track"] = Track(engine, app.rows.store, consumer(), measure())
        app.rows.store.on_recovered = _recovered
        app.rows.store.on_refused = partial(engine.unreadable.note_batch, engine.histories_topic)
    found: Track = _parts["track"]
    return found


def measure() -> Measure:
    """Give the measuring, made when the consumer is there."""
    if "measure" not in _parts:
        _parts["measure"] = Measure(engine, consumer())
    found: Measure = _parts["measure"]
    return found


def feed() -> Feed:
    """Give the feed for operations."""
    if "feed" not in _parts:
        _parts["feed"] = Feed(engine)
    found: Feed = _parts["feed"]
    return found


async def _recovered(partitions: set[int]) -> None:
    with _Fatal():
        await track().recovered(partitions)
        measure().readiness.recovering = False


@app.on_partitions_revoked.connect  # type: ignore[arg-type]
async def _revoked(_: Any, __: set[TP], **___: Any) -> None:
    with _Fatal():
        await track().halt()
        await feed().halt()


@app.on_partitions_assigned.connect  # type: ignore[arg-type]
async def _assigned(_: Any, assigned: set[TP], **__: Any) -> None:
    with _Fatal():
        track().keep({tp.partition for tp in assigned if tp.topic == engine.events_topic})
        measured = {tp.partition for tp in assigned if tp.topic == engine.items_topic}
        measure().keep(measured)
        feed().keep(measured)


@app.agent(events_topic, name="track")
async def track_agent(batches: Any) -> None:
    """Take each batch of events through, durably, before its offset may be committed."""
    async for event in batches.events():
        with _Fatal():
            for tp, polled in event.value:
                await track().batch(event.message, tp, polled)
            # The writer has its turn, also where many batches wait.
            await asyncio.sleep(0)


@app.agent(items_topic, name="measure")
async def measure_agent(batches: Any) -> None:
    """Put each batch of summaries into the boards."""
    async for event in batches.events():
        with _Fatal():
            for tp, polled in event.value:
                await measure().batch(tp, polled)
