"""`flowgauge demo`: runs the whole system on one machine, with nothing but Python."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import PORT, clock_option, mapping_option
from stream.events.log import ColumnMap

MAX_DAYS = 400
DAYS_HELP = "Days of history. [default: two whole program increments and the running one]"


@click.command(name="demo")
@click.option("--seed", type=int, help="Seed of the simulation; the same seed gives the same portfolio. [default: 1]")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), help=DAYS_HELP)
@click.option("--log", type=click.Path(path_type=Path), help="Feed this log (CSV or JSON Lines) instead; needs -c.")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The log's flow.yaml.")
@mapping_option
@click.option("--port", type=PORT, help="First port to try for /metrics; else FLOW_WEB_PORT.")
@clock_option("[default: wall; with --log: event]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="FLOW_DATA_DIR",
    help="Keep the events here and continue from them at the next start; else FLOW_DATA_DIR, or nothing is kept.",
)
def command(
    seed: int | None,
    days: int | None,
    log: Path | None,
    config: Path | None,
    mapping: ColumnMap,
    port: int | None,
    clock: str | None,
    data_dir: Path | None,
) -> None:
    """Run broker, worker and a simulated portfolio together, until Ctrl-C.

    The demo first feeds --days of history, then live events. The portfolio's configuration comes with flowgauge. To
    see your own log instead, give --log FILE -c flow.yaml.
    """
    if (log is None) != (config is None):
        raise click.UsageError("--log FILE and -c flow.yaml belong together: give both or neither")
    if mapping.pairs and log is None:
        raise click.UsageError("--map renames columns of a log: give --log FILE too")
    if seed is not None and log is not None:
        raise click.UsageError("--seed is for the simulation: leave it out with --log")
    from stream.clock import wall_time
    from stream.config.loading import load_config
    from stream.demo.portfolio import PORTFOLIO, history_days
    from stream.demo.run import Options, run

    # Show mistakes here, in full: of the worker's report only the last line would be shown.
    load_config(config or PORTFOLIO)
    clock = clock or ("wall" if log is None else "event")
    days = days or history_days(wall_time())
    run(Options(config or PORTFOLIO, seed, days, log, mapping, port, clock, data_dir))
