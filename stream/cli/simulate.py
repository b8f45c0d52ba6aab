"""`flowgauge simulate`: feeds the demo's portfolio into a real Kafka."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stream.cli.demo import DAYS_HELP, MAX_DAYS


@click.command(name="simulate")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), help=DAYS_HELP)
@click.option("--seed", type=int, help="Seed of the simulation; the same seed gives the same portfolio. [default: 1]")
@click.option("--brokers", metavar="HOST:PORT,...", help="Kafka's addresses; else FLOW_KAFKA_BROKERS.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the events here and continue from them at the next start; else FLOW_DATA_DIR.",
)
def command(days: int | None, seed: int | None, brokers: str | None, data_dir: Path | None) -> None:
    """Feed a simulated portfolio into the events topic: first its history, then live events until Ctrl-C.

    Use it only for trials, never in a topic with real events. Start the workers with the configuration that it
    prints. At the next start it sends the kept events again, which changes nothing, and continues from there.
    """
    from stream.clock import wall_time
    from stream.demo.portfolio import history_days
    from stream.demo.simulator import simulate_into
    from stream.kafka.admin import ensure_topics
    from stream.settings import Settings

    given = {"FLOW_KAFKA_BROKERS": brokers, "FLOW_DATA_DIR": data_dir and str(data_dir)}
    settings = Settings.from_env(os.environ | {name: value for name, value in given.items() if value})
    ensure_topics(settings)
    simulate_into(settings, seed, days or history_days(wall_time()))
