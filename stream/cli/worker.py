"""`flowgauge worker`: one worker; more of them share the partitions."""

from __future__ import annotations

import os

import click

from stream.cli.options import PORT, clock_option


@click.command()
@click.option("-c", "--config", type=click.Path(), help="The organisation and its workflows (FLOW_CONFIG).")
@clock_option("Else FLOW_CLOCK, wall.")
@click.option("--port", type=PORT, help="Port of /metrics, /ready and /live (FLOW_WEB_PORT).")
@click.option(
    "-l",
    "--loglevel",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="warn",
    show_default=True,
    help="How much Faust and the Kafka client say.",
)
def command(config: str | None, clock: str | None, port: int | None, loglevel: str) -> None:
    """Run one worker: the same as `faust -A stream.app worker`.

    Deployment settings come from FLOW_* variables; the options here go before them.
    """
    for variable, value in (("FLOW_CONFIG", config), ("FLOW_CLOCK", clock), ("FLOW_WEB_PORT", port)):
        if value is not None:
            os.environ[variable] = str(value)
    # The app reads the environment, as with Faust's own command.
    from stream.app import make_app

    make_app().Worker(loglevel=loglevel).execute_from_commandline()
