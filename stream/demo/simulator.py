"""The simulated portfolio on a real Kafka: its history at once, then what happens as it happens."""

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
        """Send records; Kafka has them when this returns. Raises what Kafka says."""
        sent = [await self._producer.send(self._topic, key=key, value=value) for key, value in records]
        await asyncio.gather(*sent)

    async def drain(self) -> None:
        """Wait for nothing: what is sent is acknowledged."""


def simulate_into(settings: Settings, seed: int | None, days: int) -> None:
    """Feed `days` of history, or go on where the journal in the data folder ends; then live, until a signal.

    Raises KafkaError if Kafka does not take an event, and SettingsError or ServeError if the journal does not fit.
    """
    # Whatever aiokafka has to say arrives as an exception too.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    asyncio.run(
        until_signal(_simulate(settings, seed, days), "the simulation has stopped; it goes on at the next start")
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
        why = f"Kafka at {brokers!r} does not take the events ({error})"
        raise KafkaError(f"{why}. Mend that and start it again: it goes on where it was") from error
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


async def _play(simulator: Simulator, settings: Settings, journal: EventJournal, seed: int | None, days: int) -> None:
    now = datetime.fromtimestamp(wall_time() // SECOND, UTC)
    known = journal.count()
    simulated = resume_simulation(journal, seed, now - timedelta(days=days), now)
    what = f"the journal's {known:,} events, then what came since" if known else f"{days} days of a portfolio"
    click.echo(f"flowgauge: simulating {what} into '{settings.topic(EVENTS)}'; its configuration is {PORTFOLIO}")
    with progress_bar() as bar:
        line = bar.add_task("feeding", total=1.0)

        async def caught_up() -> None:
            bar.stop()
            click.echo("flowgauge: live now, until Ctrl-C")

        steps = chain(replayed(journal), simulated_steps(simulated, journal))
        await Player(simulator, journal, lambda done: bar.update(line, completed=done)).play(steps, caught_up)
