"""The simulated portfolio on a real Kafka: first its history at once, then each live event when it happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain

import click
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as AiokafkaError

from stream.clock import wall_time
from stream.demo.event_journal import EventJournal, JournalRecord
from stream.demo.feeder import Player
from stream.demo.portfolio import PORTFOLIO
from stream.demo.run import progress_bar, until_signal
from stream.demo.sources import replayed, resume_simulation, simulated_steps
from stream.errors import KafkaError
from stream.events.event import SECOND
from stream.kafka.topics import EVENTS
from stream.settings import Settings

CLOSE_SECONDS = 10


class Simulator:
    """Sends records to the events topic, and waits for their acknowledgement."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic

    async def send(self, records: Sequence[JournalRecord]) -> None:
        """Send records. When this returns, Kafka has acknowledged them. Raises aiokafka's KafkaError."""
        sent = [await self._producer.send(self._topic, key=key, value=value) for key, value in records]
        await asyncio.gather(*sent)

    async def drain(self) -> None:
        """Do nothing: `send` has waited for the acknowledgement."""


def simulate_into(settings: Settings, seed: int | None, days: int) -> None:
    """Feed `days` of history, or continue where the journal in the data folder ends; then live, until a signal.

    Raises KafkaError if Kafka does not accept an event, and SettingsError or ServeError if the journal does not fit.
    """
    # Everything that aiokafka logs also arrives as an exception.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    asyncio.run(
        until_signal(_simulate(settings, seed, days), "the simulation has stopped; it continues at the next start")
    )


async def _simulate(settings: Settings, seed: int | None, days: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=list(settings.brokers), client_id="flowgauge-simulate", acks="all", linger_ms=5
    )
    try:
        await producer.start()
        with EventJournal(settings.data_dir / "simulation.sqlite") as journal:
            await _play(Simulator(producer, settings.topic(EVENTS)), settings, journal, seed, days)
    except AiokafkaError as error:
        brokers = ",".join(settings.brokers)
        why = f"Kafka at {brokers!r} does not accept the events ({error})"
        raise KafkaError(f"{why}. Fix that and start it again: it continues where it stopped") from error
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


async def _play(simulator: Simulator, settings: Settings, journal: EventJournal, seed: int | None, days: int) -> None:
    now = datetime.fromtimestamp(wall_time() // SECOND, UTC)
    known = journal.count()
    simulated = resume_simulation(journal, seed, now - timedelta(days=days), now)
    what = f"the journal's {known:,} events, then newer ones" if known else f"{days} days of a portfolio"
    click.echo(f"flowgauge: simulating {what} into '{settings.topic(EVENTS)}'; its configuration is {PORTFOLIO}")
    with progress_bar() as bar:
        line = bar.add_task("feeding", total=1.0)

        async def caught_up() -> None:
            bar.stop()
            click.echo("flowgauge: live now, until Ctrl-C")

        steps = chain(replayed(journal), simulated_steps(simulated, journal))
        await Player(simulator, journal, lambda done: bar.update(line, completed=done)).play(steps, caught_up)
