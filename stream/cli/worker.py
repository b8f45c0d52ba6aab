"""`flowgauge worker`: runs one worker. Several workers share the partitions."""

from __future__ import annotations

import os

import click

from stream.cli.options import PORT, clock_option


@click.command()
@click.option("-c", "--config", type=click.Path(), help="The flow.yaml; else FLOW_CONFIG.")
@clock_option("Else FLOW_CLOCK, or wall.")
@click.option("--port", type=PORT, help="Port of /metrics, /ready and /live; else FLOW_WEB_PORT.")
@click.option(
    "-l",
    "--loglevel",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="warn",
    show_default=True,
    help="How much Faust and the Kafka client log.",
)
def command(config: str | None, clock: str | None, port: int | None, loglevel: str) -> None:
    """Run one worker, like `faust -A stream.app worker`.

    Deployment settings come from FLOW_* variables. The options here take precedence.
    """
    for variable, value in (("FLOW_CONFIG", config), ("FLOW_CLOCK", clock), ("FLOW_WEB_PORT", port)):
        if value is not None:
            os.environ[variable] = str(value)
    # The app reads its settings from the environment, as under Faust's own command.
    from stream.app import make_app

    make_app().Worker(loglevel=loglevel).execute_from_commandline()
