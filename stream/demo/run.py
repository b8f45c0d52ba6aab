"""The demo: the embedded broker, a worker, and a portfolio or a log that feeds them, in one process tree."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import click
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from stream.clock import wall_time
from stream.demo.broker import PARTITIONS, EmbeddedBroker
from stream.demo.event_journal import EventJournal
from stream.demo.feeder import Feeder, Player
from stream.demo.sources import Step, log_steps, replayed, resume_log, resume_simulation, simulated_steps
from stream.demo.worker_process import WorkerProcess, free_port
from stream.errors import KafkaError, ServeError
from stream.events.event import SECOND
from stream.events.log import ColumnMap, LogRow, read_log
from stream.kafka.topics import EVENTS, topics
from stream.settings import Settings

LOOK_SECONDS = 0.2
READY_SECONDS = 120.0
LOG_SOURCE = "import"
"""The source of CSV rows that have none; the same as in `flowgauge import`."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the demo.

    - `days`: the length of the history before the live phase.
    - `log`: a log to feed instead of the simulation, with its `config` and `mapping`.
    - `data_dir`: the folder for the journal; without it, the journal is not kept.
    """

    config: Path
    seed: int | None
    days: int
    log: Path | None = None
    mapping: ColumnMap = field(default_factory=ColumnMap)
    port: int | None = None
    clock: str = "wall"
    data_dir: Path | None = None


def run(options: Options) -> None:
    """Run the demo until Ctrl-C, SIGTERM or SIGHUP. When this returns, its processes have ended.

    Raises FlowgaugeError if the demo cannot start, or if the worker or the broker ends.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    asyncio.run(until_signal(_demo(options), "the demo has ended"))


async def until_signal(work: Awaitable[None], said: str) -> None:
    """Do the work until Ctrl-C, SIGTERM or SIGHUP, and then print `said`."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        click.echo(f"flowgauge: {said}")


async def _demo(options: Options) -> None:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="flowgauge-")))
        folder = options.data_dir or scratch
        journal = stack.enter_context(EventJournal(folder / "journal.sqlite"))
        refusals = _Refusals()
        steps = chain(replayed(journal), _steps(options, journal, refusals))
        settings = Settings.from_env(os.environ | {"FLOW_CLOCK": options.clock})
        broker = stack.enter_context(EmbeddedBroker([topic.name for topic in topics(settings)]))
        port = _port(settings, options)
        env = _environment(settings, broker, port, scratch)
        worker = WorkerProcess(options.config, env, _reachable(settings.web_host), port, folder / "worker.log")
        stack.enter_context(worker)
        bar = stack.enter_context(progress_bar())

        async def caught_up() -> None:
            await _wait_until_ready(worker)
            bar.stop()
            refusals.say(options.log)
            _say_where(worker, broker, settings)

        line = bar.add_task(_what(options, journal), total=1.0)
        feeding = _feed(
            settings, broker, worker, journal, steps, lambda done: bar.update(line, completed=done), caught_up
        )
        await _first_of(feeding, _watch(worker, broker))


def _steps(options: Options, journal: EventJournal, refusals: _Refusals) -> Iterator[Step]:
    if options.log is not None:
        rows = read_log(options.log, options.mapping, LOG_SOURCE, wall_time())
        # A log that cannot be read at all fails here, before anything is started.
        rows = chain(tuple(islice(rows, 1)), rows)
        resume_log(journal, options.log)
        return log_steps(rows, options.log.stat().st_size, journal, refusals.add)
    now = datetime.fromtimestamp(wall_time() // SECOND, UTC)
    simulated = resume_simulation(journal, options.seed, now - timedelta(days=options.days), now)
    return simulated_steps(simulated, journal)


def _port(settings: Settings, options: Options) -> int:
    wanted = options.port or settings.web_port
    port = free_port(settings.web_host, wanted)
    if port != wanted:
        click.echo(f"flowgauge: port {wanted} is in use; the worker uses {port}")
    return port


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _environment(settings: Settings, broker: EmbeddedBroker, port: int, scratch: Path) -> dict[str, str]:
    """Return the worker's settings. Its own files are temporary, like the broker's data."""
    return {
        "FLOW_KAFKA_BROKERS": broker.bootstrap,
        "FLOW_EMBEDDED": "1",
        "FLOW_EVENTS_PARTITIONS": str(PARTITIONS),
        "FLOW_ITEMS_PARTITIONS": str(PARTITIONS),
        "FLOW_WEB_PORT": str(port),
        "FLOW_CLOCK": settings.clock,
        "FLOW_DATA_DIR": str(scratch / "worker"),
    }


def progress_bar() -> Progress:
    """Make a bar that shows on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _what(options: Options, journal: EventJournal) -> str:
    known = journal.count()
    what = f"the log '{options.log}'" if options.log else f"{options.days} days of a simulated portfolio"
    what = f"the journal's {known:,} events, then newer ones" if known else what
    click.echo(f"flowgauge: feeding {what}")
    return "feeding"


async def _feed(
    settings: Settings,
    broker: EmbeddedBroker,
    worker: WorkerProcess,
    journal: EventJournal,
    steps: Iterator[Step],
    progress: Callable[[float], None],
    caught_up: Callable[[], Awaitable[None]],
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
        feed = Feeder(producer, settings.topic(EVENTS), worker.events)
        await Player(feed, journal, progress).play(steps, caught_up)


async def _watch(worker: WorkerProcess, broker: EmbeddedBroker) -> None:
    while True:
        worker.check()
        if broker.ended() is not None:
            raise ServeError(f"the embedded broker ended with status {broker.ended()}: start the demo again")
        await asyncio.sleep(LOOK_SECONDS)


async def _first_of(feeding: Awaitable[None], watching: Awaitable[None]) -> None:
    """Feed and watch. When a log is fed completely, go on watching. Raises the first error."""
    tasks = [asyncio.ensure_future(feeding), asyncio.ensure_future(watching)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        # If both failed, the watch knows the cause.
        for task in reversed(tasks):
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_until_ready(worker: WorkerProcess) -> None:
    until = monotonic() + READY_SECONDS
    while why := await worker.not_ready():
        if monotonic() > until:
            raise KafkaError(f"the worker has read all events but is not ready ({why}): start the demo again")
        await asyncio.sleep(LOOK_SECONDS)


class _Refusals:
    """The rows of the log that were refused."""

    def __init__(self) -> None:
        self._count = 0
        self._first: LogRow | None = None

    def add(self, row: LogRow) -> None:
        self._count += 1
        self._first = self._first or row

    def say(self, log: Path | None) -> None:
        if self._first is not None:
            rows = "1 row" if self._count == 1 else f"{self._count:,} rows"
            first = f"line {self._first.line}: {self._first.rejection}"
            click.echo(f"flowgauge: {rows} of '{log}' refused, the first at {first}", err=True)


def _say_where(worker: WorkerProcess, broker: EmbeddedBroker, settings: Settings) -> None:
    click.echo(
        f"""
  metrics  {worker.url}/metrics
  ready    {worker.url}/ready
  Kafka    {broker.bootstrap}  (embedded: for trials, it loses its data at the end)

Try:
  curl -s {worker.url}/metrics | grep '^flow_load_items'
  curl -s {worker.url}/metrics | grep '^flow_time_quantile_seconds.*level="art".*window="30d"'
  while sleep 2; do echo; curl -s {worker.url}/metrics | grep '^flow_load_ratio.*level="art"'; done
Send your own events to topic '{settings.topic(EVENTS)}'.

Ctrl-C ends everything."""
    )
