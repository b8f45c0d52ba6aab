"""`flowgauge demo`: the whole system on one machine, with nothing but Python."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import PORT, clock_option, mapping_option
from stream.events.log import ColumnMap

MAX_DAYS = 400


@click.command(name="demo")
@click.option("--seed", type=int, help="Seed of the simulation; the same seed gives the same portfolio. [default: 1]")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=90, show_default=True, help="Days of history.")
@click.option("--log", type=click.Path(path_type=Path), help="Feed this log (CSV or JSON Lines) instead; needs -c.")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The log's flow.yaml.")
@mapping_option
@click.option("--port", type=PORT, help="First port to try for /metrics; else FLOW_WEB_PORT, 6066.")
@clock_option("[default: wall; with --log: event]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="FLOW_DATA_DIR",
    help="Keep the events here, and go on with them at the next start (FLOW_DATA_DIR). Else nothing is kept.",
)
def command(
    seed: int | None,
    days: int,
    log: Path | None,
    config: Path | None,
    mapping: ColumnMap,
    port: int | None,
    clock: str | None,
    data_dir: Path | None,
) -> None:
    """Run broker, worker and a simulated portfolio together, until Ctrl-C.

    90 days of history are fed first, then the portfolio goes on live. Its teams, limits and workflows are
    those of a configuration that comes with flowgauge; --log FILE -c flow.yaml shows your own instead.
    """
    if (log is None) != (config is None):
        raise click.UsageError("--log FILE and -c flow.yaml belong together: a log needs its configuration")
    if mapping.pairs and log is None:
        raise click.UsageError("--map renames columns of a log: give --log FILE too")
    if seed is not None and log is not None:
        raise click.UsageError("--seed is the simulation's: leave it out with --log")
    from stream.config.load import load_config
    from stream.demo.portfolio import PORTFOLIO
    from stream.demo.run import Options, run

    # Mistakes are shown here, in full; the worker's own report would be cut to a line.
    load_config(config or PORTFOLIO)
    clock = clock or ("wall" if log is None else "event")
    run(Options(config or PORTFOLIO, seed, days, log, mapping, port, clock, data_dir))
