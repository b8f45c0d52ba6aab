"""The `flowgauge` command: one module for each command, imported only when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from stream import __version__
from stream.errors import FlowgaugeError

COMMANDS = {
    "check-config": "stream.cli.check_config",
    "dashboards": "stream.cli.dashboards",
    "dead-letters": "stream.cli.dead_letters",
    "demo": "stream.cli.demo",
    "import": "stream.cli.import_log",
    "replay": "stream.cli.replay",
    "simulate": "stream.cli.simulate",
    "topics": "stream.cli.topics",
    "worker": "stream.cli.worker",
}


class LazyGroup(click.Group):
    """A group whose commands are modules. Each module has its click command under the name `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the environment variables that set up a deployment."""
        from stream.settings import SETTINGS

        with formatter.section("Environment"):
            formatter.write_dl([(one.variable, f"{one.help}  [default: {one.default}]") for one in SETTINGS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return its command."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from stream.build import is_compiled

    print(f"flowgauge, version {__version__}, core {'compiled' if is_compiled() else 'in plain Python'}")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show version and build."
)
def cli() -> None:
    """Live flow metrics: work-item changes in, true gauges out."""


def main(args: list[str] | None = None) -> None:
    """Run the command. A FlowgaugeError becomes one clear line and exit status 1."""
    try:
        cli.main(args=args, prog_name="flowgauge")
        sys.stdout.flush()
    except FlowgaugeError as error:
        print(f"flowgauge: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        # Only the output itself can fail here: a full disk, or a reader that went away.
        print(f"flowgauge: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        os._exit(1)
