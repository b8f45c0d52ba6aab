"""`flowgauge worker`: one worker; more of them share the partitions."""

from __future__ import annotations

import os

import click


@click.command()
@click.option("-c", "--config", type=click.Path(), help="The organisation and its workflows (FLOW_CONFIG).")
@click.option("--clock", help="What now is: wall, event (newest event time in the topic) or an instant (FLOW_CLOCK).")
@click.option("--port", type=int, help="Port of /metrics, /ready and /live (FLOW_WEB_PORT).")
@click.option("-l", "--loglevel", default="warn", show_default=True, help="debug, info, warn or error.")
def command(config: str | None, clock: str | None, port: int | None, loglevel: str) -> None:
    """Run one worker: the same as `faust -A stream.app worker`.

    Deployment settings come from FLOW_* variables; the options here go before them.
    """
    for variable, value in (("FLOW_CONFIG", config), ("FLOW_CLOCK", clock), ("FLOW_WEB_PORT", port)):
        if value is not None:
            os.environ[variable] = str(value)
    # The app reads the environment when it is imported, as Faust's own command does.
    from stream.app import app

    app.Worker(loglevel=loglevel).execute_from_commandline()
