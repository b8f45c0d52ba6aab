"""`flowgauge import`: sends a log to the events topic, and refused rows to the dead letters."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiokafka.errors
import click
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from stream.cli.options import mapping_option, source_option
from stream.clock import wall_time
from stream.config.loading import load_config
from stream.errors import KafkaError
from stream.events.encode import encode, key_of
from stream.events.log import ColumnMap, LogRow, read_log
from stream.events.rejection import Rejection
from stream.events.time import format_time
from stream.kafka.admin import ensure_topics
from stream.kafka.topics import DEAD_LETTERS, EVENTS, MIB
from stream.settings import Settings

AWAITED_RECORDS = 5_000
AWAITED_BYTES = 32 * MIB
CLOSE_SECONDS = 10
INTERRUPTED = 130
Headers = Sequence[tuple[str, bytes]]
SILENT = ("does not answer", "Start it, or set FLOW_KAFKA_BROKERS")
REFUSES = ("refuses", "Fix that")
AGAIN = "run it again: what arrives twice counts once"


@dataclass
class Tally:
    """The result of an import; `first` describes the first row that was refused."""

    events: int = 0
    items: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def add(self, row: LogRow) -> None:
        """Count a row."""
        if row.event is not None:
            self.events += 1
            self.items.add(row.event.item)
        elif row.rejection is not None:
            self.first = self.first or f"line {row.line:,}: {row.rejection.detail}"
            self.refused[row.rejection.reason] += 1


class Outlet:
    """Sends records and waits for their acknowledgement, with a bounded number and volume under way."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._awaited: list[asyncio.Future[Any]] = []
        self._bytes = 0

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Headers = ()) -> None:
        """Send a record, and wait where too much is under way."""
        self._awaited.append(await self._producer.send(topic, value, key, headers=list(headers)))
        self._bytes += len(value)
        if len(self._awaited) >= AWAITED_RECORDS or self._bytes >= AWAITED_BYTES:
            await self.settle()

    async def settle(self) -> None:
        """Wait until all that was sent is acknowledged; raises what Kafka refused first."""
        awaited, self._awaited, self._bytes = self._awaited, [], 0
        for answer in await asyncio.gather(*awaited, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer


@click.command(name="import")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The flow.yaml; else FLOW_CONFIG.")
@mapping_option
@source_option
@click.option("--brokers", metavar="HOST:PORT,...", help="Kafka's addresses; else FLOW_KAFKA_BROKERS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(
    log: Path,
    config: Path | None,
    mapping: ColumnMap,
    source: str,
    brokers: str | None,
    as_json: bool,
) -> None:
    """Import LOG, a CSV or JSON Lines file, plain or .gz, into the events topic.

    Importing a log twice changes nothing. Refused rows go to the dead letters, with line and reason. If all rows are
    refused, the exit status is 1.
    """
    settings = Settings.from_env(os.environ | ({"FLOW_KAFKA_BROKERS": brokers} if brokers else {}))
    load_config(config or settings.config)
    ensure_topics(settings)
    arrival = wall_time()
    try:
        tally = asyncio.run(_import(read_log(log, mapping, source, arrival), log, arrival, settings))
    except KeyboardInterrupt:
        click.echo(f"flowgauge: the import of {str(log)!r} was interrupted: {AGAIN}", err=True)
        sys.exit(INTERRUPTED)
    _report(tally, settings, as_json=as_json)
    if tally.refused and not tally.events:
        sys.exit(1)


async def _import(rows: Iterator[LogRow], log: Path, arrival: int, settings: Settings) -> Tally:
    tally = Tally()
    events, dead_letters = settings.topic(EVENTS), settings.topic(DEAD_LETTERS)
    async with _outlet(settings) as outlet:
        with _progress(log) as show:
            for row in rows:
                tally.add(row)
                show(row.position)
                if row.event is not None:
                    await outlet.send(events, key_of(row.event), encode(row.event))
                elif row.rejection is not None:
                    why = _why(row.rejection, row.line, log, arrival)
                    await outlet.send(dead_letters, None, row.raw, why)
        await outlet.settle()
    return tally


def _why(rejection: Rejection, line: int, log: Path, arrival: int) -> Headers:
    """Return the headers of a dead letter: why and where. Its value is the row's bytes."""
    headers = {
        "flow_reason": str(rejection.reason),
        "flow_detail": rejection.detail,
        "flow_file": log.name,
        "flow_line": str(line),
        "flow_arrival": format_time(arrival),
    }
    return [(name, text.encode(errors="replace")) for name, text in headers.items()]


@asynccontextmanager
async def _outlet(settings: Settings) -> AsyncIterator[Outlet]:
    """Open a way to Kafka; what Kafka refuses becomes one KafkaError."""
    # Everything that aiokafka logs also arrives as an exception.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    brokers = ",".join(settings.brokers)
    producer = AIOKafkaProducer(
        bootstrap_servers=list(settings.brokers),
        client_id="flowgauge-import",
        acks="all",
        linger_ms=5,
        max_batch_size=MIB >> 2,
        max_request_size=20 * MIB,
    )
    try:
        await producer.start()
        yield Outlet(producer)
    except aiokafka.errors.KafkaError as error:
        silent = error.retriable or isinstance(error, aiokafka.errors.KafkaTimeoutError)
        does, fix = SILENT if silent else REFUSES
        why = f"Kafka at {brokers!r} {does} ({_one_line(error)})"
        raise KafkaError(f"{why}. {fix}; then {AGAIN}") from error
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


@contextmanager
def _progress(log: Path) -> Iterator[Callable[[int], None]]:
    """Show how much of the file is read, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _position: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("importing", total=log.stat().st_size)
        shown = 0

        def show(position: int) -> None:
            nonlocal shown
            if position != shown:
                shown = position
                progress.update(task, completed=position)

        yield show


def _report(tally: Tally, settings: Settings, *, as_json: bool) -> None:
    refused = tally.refused.total()
    if as_json:
        summary = {
            "events": tally.events,
            "items": len(tally.items),
            "refused": refused,
            "refused_by_reason": dict(sorted(tally.refused.items())),
            "topic": settings.topic(EVENTS),
            "dead_letters": settings.topic(DEAD_LETTERS),
        }
        click.echo(json.dumps(summary))
        return
    taken = f"imported {_counted(tally.events, 'event')} of {_counted(len(tally.items), 'item')}"
    where = f" (see flowgauge dead-letters list; the first is {tally.first})" if refused else ""
    click.echo(f"{taken}; {_counted(refused, 'row')} refused{where}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
