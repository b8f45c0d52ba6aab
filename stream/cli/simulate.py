"""`flowgauge simulate`: the demo's portfolio on a real Kafka."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stream.cli.demo import MAX_DAYS


@click.command(name="simulate")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=90, show_default=True, help="Days of history.")
@click.option("--seed", type=int, help="Seed of the simulation; the same seed gives the same portfolio. [default: 1]")
@click.option("--brokers", metavar="HOST:PORT,...", help="Kafka's addresses; else FLOW_KAFKA_BROKERS.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the events here, and go on with them at the next start; else FLOW_DATA_DIR.",
)
def command(days: int, seed: int | None, brokers: str | None, data_dir: Path | None) -> None:
    """Feed a simulated portfolio into the events topic: its history at once, then live, until Ctrl-C.

    For trying, never beside real events. The workers need the configuration that it names. At the next start it
    sends what it had sent, which changes nothing, and goes on from there.
    """
    from stream.demo.simulator import simulate_into
    from stream.kafka.admin import ensure_topics
    from stream.settings import Settings

    given = {"FLOW_KAFKA_BROKERS": brokers, "FLOW_DATA_DIR": data_dir and str(data_dir)}
    settings = Settings.from_env(os.environ | {name: value for name, value in given.items() if value})
    ensure_topics(settings)
    simulate_into(settings, seed, days)
