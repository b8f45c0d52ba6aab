"""One worker: it folds events into histories and summaries, and shows the numbers while they are true.

It does not know Faust. The caller reads Kafka for it, reports assignments and batches, and calls its timers. Its life:

    start, then assign, recovered, batches and revoke for each assignment, then stop
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from math import inf
from time import monotonic
from typing import NamedTuple

from stream.clock import Clock
from stream.config.model import FlowConfig
from stream.errors import KafkaUnreachableError
from stream.gauges.metrics import Metrics
from stream.gauges.page import Page
from stream.gauges.samples import Exported
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.settings import Settings
from stream.worker.clients import Clients, Delivery
from stream.worker.engine import Engine
from stream.worker.fatal import ending_on_error
from stream.worker.feed import Feed
from stream.worker.measure import Measure
from stream.worker.pauses import CooperativePauses
from stream.worker.topics_watch import TopicsWatch
from stream.worker.track import Track

COMMIT_EVERY = 0.5
LOOK_EVERY = 0.5
LOOK_EVERY_UNREADY = 0.2
COMMIT_PATIENCE = 2.0
SWEEP_EVERY = 3_600.0
COMPRESS_EVERY = 5.0
PUBLISH_EVERY = 0.1
FEED_EVERY = 1.0
TOPICS_EVERY = 5.0
# Seconds; Prometheus gives a scrape ten.
SCRAPE_WAITS = 5.0
log = logging.getLogger(__name__)


class Timer(NamedTuple):
    """A call that is repeated. `pause` gives the seconds until the next one."""

    name: str
    pause: Callable[[], float]
    call: Callable[[], Awaitable[None]]


class Worker:
    """A worker. `start` must have returned before anything else is called."""

    track: Track
    measure: Measure
    feed: Feed

    def __init__(self, settings: Settings, config: FlowConfig, clients: Clients, clock: Clock | None = None) -> None:
        self.engine = engine = Engine(settings, config, clients, clock)
        self._clients = clients
        self._topics = TopicsWatch(engine, clients.describe)
        self._metrics = Metrics(engine.published, engine.numbers, Exported.of(config), self._renew)
        self._page: Page | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._was_ready = False
        self._feed_took = 0.0

    async def start(self) -> None:
        """Connect, check the topics, and serve the page. Raises FlowgaugeError."""
        engine, settings = self.engine, self.engine.settings
        self._loop = asyncio.get_running_loop()
        page = self._page = Page(settings.web_host, settings.web_port, engine.published, self._metrics)
        try:
            await self._connect()
        except BaseException:
            page.stop()
            raise
        engine.published.heartbeat = monotonic()
        # With the embedded broker no other worker can take over, so a laptop may sleep during a demo.
        if not settings.embedded:
            engine.freeze_guard.start()
        page.start()
        address = f"http://{settings.web_host}:{settings.web_port}"
        say(f"reading {engine.topics.events} at {', '.join(settings.brokers)}; {address}/metrics, {address}/ready")

    async def _connect(self) -> None:
        engine, settings, clients = self.engine, self.engine.settings, self._clients
        await asyncio.to_thread(clients.declare, settings)
        await clients.offsets.start()
        # The name of the derivation depends on the topics, so this is before the parts that use it.
        await self._topics.begin()
        self.measure = Measure(engine, clients.streams)
        self.track = Track(engine, clients.rows, clients.streams, self.measure)
        self.feed = Feed(engine)
        await clients.outbox.start()
        await clients.feed_outbox.start()

    async def assign(self, events: set[int], items: set[int]) -> None:
        """Begin an assignment: the partitions of the events and of the summaries that this worker has now."""
        self.engine.begin_assignment()
        self.track.assign(events)
        self.measure.assign(items)
        self.feed.assign()

    async def recovered(self, partitions: set[int]) -> None:
        """Go on with partitions of the events whose rows were recovered."""
        await self.track.recovered(partitions)
        self.measure.readiness.recovering = False

    async def take_events(self, delivery: Delivery, tp: TP, polled: Polled) -> None:
        """Process a batch of events. Its offset is completed once everything that comes of it is durable."""
        await self.track.batch(delivery, tp, polled)

    async def take_summaries(self, tp: TP, polled: Polled) -> None:
        """Count a batch of summaries."""
        await self.measure.batch(tp, polled)

    async def revoke(self) -> None:
        """End an assignment: write nothing until the next one. Return when no write is under way."""
        if self._has_parts:
            self.engine.end_assignment()
            await self.track.revoke()
            await self.feed.revoke()

    async def stop(self) -> None:
        """Close the page and the connections."""
        if self._page is not None:
            self._page.stop()
        for client in (self._clients.outbox, self._clients.feed_outbox, self._clients.offsets):
            await client.stop()

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The calls to repeat between `start` and `stop`."""
        ready = self._is_ready
        return (
            Timer("publish", lambda: max(self.measure.fresh_for, PUBLISH_EVERY), self._publish),
            Timer("keep", lambda: COMMIT_EVERY, self._keep),
            Timer("look", lambda: LOOK_EVERY if ready() else LOOK_EVERY_UNREADY, self._look),
            Timer("topics", lambda: TOPICS_EVERY, self._watch_topics),
            # A fifth of the time at most, so that there is time for events.
            Timer("feed", lambda: max(FEED_EVERY, 4 * self._feed_took), self._publish_feed),
            Timer("compress", lambda: COMPRESS_EVERY, self._compress),
            Timer("sweep", lambda: SWEEP_EVERY, self._sweep),
        )

    @property
    def _has_parts(self) -> bool:
        return hasattr(self, "feed")

    def _is_ready(self) -> bool:
        return self.engine.published.snapshot.ready

    def _renew(self) -> None:
        """Read the boards for a scrape, which waits. If the worker is too busy, the last snapshot is shown."""
        if self._loop is None or not self._loop.is_running() or not self._has_parts:
            return
        asked = asyncio.run_coroutine_threadsafe(self._read_ahead(), self._loop)
        try:
            asked.result(SCRAPE_WAITS)
        except (TimeoutError, CancelledError):
            asked.cancel()

    async def _read_ahead(self) -> None:
        with ending_on_error():
            await self.measure.renew()
            pauses = CooperativePauses()
            for _ in self._metrics.prepare():
                await pauses.pause()

    async def _publish(self) -> None:
        self.engine.freeze_guard.check()
        if not self.measure.fresh_for:
            await self.measure.publish()
        self._say_ready()
        self.engine.published.heartbeat = monotonic()

    def _say_ready(self) -> None:
        snapshot, before = self.engine.published.snapshot, self._was_ready
        self._was_ready = snapshot.ready
        if snapshot.ready and not before:
            say("ready: the numbers are true")
        if before and not snapshot.ready and not self.engine.published.stopping:
            say(f"not ready: {'; '.join(detail for _, detail in snapshot.reasons)}")

    async def _keep(self) -> None:
        await self.track.pass_over(await self._clients.streams.recover_missing())
        await self.track.wake()

    async def _look(self) -> None:
        if not self._is_ready():
            # Readiness depends on committed offsets, so they are committed at once. If Kafka does not answer, the
            # look says so.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._clients.streams.force_commit(), COMMIT_PATIENCE)
        await self.measure.watch()
        self.track.watch(self.measure.readiness.look)

    async def _watch_topics(self) -> None:
        try:
            self.measure.readiness.topics_changed = await self._topics.look()
        except KafkaUnreachableError as error:
            log.warning("Kafka does not describe its topics: %s", error)

    async def _publish_feed(self) -> None:
        begun = monotonic()
        await self.feed.publish()
        self._feed_took = monotonic() - begun

    async def _sweep(self) -> None:
        await self.track.sweep()

    async def _compress(self) -> None:
        """Compress rows in a twentieth of the time, but only while the worker is ready."""
        pauses = CooperativePauses(turn=0.001, pause=0.019, pauses=inf)
        for _ in self._clients.rows.compress() if self._is_ready() else ():
            await pauses.pause()
            if not self._is_ready():
                return


def say(text: str) -> None:
    """Write a line for the person who started the worker."""
    sys.stderr.write(f"flowgauge: {text}\n")
    sys.stderr.flush()
