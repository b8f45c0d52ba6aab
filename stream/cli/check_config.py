"""`flowgauge check-config`: shows what a configuration says, or every mistake in it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from stream.config.loading import load_config
from stream.config.mistake import Mistakes
from stream.config.model import Art, FlowConfig, TeamConfig, ValueStream


@click.command()
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(file: str, as_json: bool) -> None:
    """Check the configuration FILE and print a summary of it.

    If it has mistakes, the exit status is 1, and each is listed with file, line, key, value and fix.
    """
    try:
        config = load_config(file)
    except Mistakes as error:
        if not as_json:
            raise
        found = json.dumps({"valid": False, "mistakes": [asdict(mistake) for mistake in error.mistakes]}, default=str)
        # YAML has NaN and infinity, but JSON does not, so they are quoted.
        click.echo(json.dumps(json.loads(found, parse_constant=str)))
        sys.exit(1)
    if as_json:
        click.echo(json.dumps({"valid": True, "mistakes": [], **understood(config)}))
    elif sys.stdout.isatty():
        _print_table(file, config)
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in rows(config)))


def understood(config: FlowConfig) -> dict[str, Any]:
    """Summarise a configuration: counts, names and the fingerprint."""
    arts = [art for stream in config.organisation for art in stream.arts]
    teams = [team for art in arts for team in art.teams]
    nodes: list[ValueStream | Art | TeamConfig] = [*config.organisation, *arts, *teams]
    return {
        "fingerprint": config.fingerprint,
        "value_streams": len(config.organisation),
        "arts": len(arts),
        "teams": len(teams),
        "limits": sum(node.load_limit is not None for node in nodes),
        "workflows": [workflow.name for workflow in config.workflows],
        "item_types": list(config.item_types),
        "windows": [window.label for window in config.windows],
        "retention": config.retention.label,
        "time_zone": config.time_zone,
        "program_increments": [increment.name for increment in config.program_increments],
        "sources": [source.name for source in config.sources],
        "targets": [target.name for target in config.targets],
    }


def rows(config: FlowConfig) -> list[tuple[str, str]]:
    """Return names and values: one row for each fact, then one for each value stream."""
    facts = [
        (name.replace("_", " "), ", ".join(value) or "-" if isinstance(value, list) else str(value))
        for name, value in understood(config).items()
    ]
    return facts + [_stream_row(stream) for stream in config.organisation]


def _stream_row(stream: ValueStream) -> tuple[str, str]:
    arts = [f"{art.art}{_limit(art.load_limit)}: {_teams(art.teams)}" for art in stream.arts]
    return f"value stream {stream.value_stream}{_limit(stream.load_limit)}", "; ".join(arts)


def _teams(teams: tuple[TeamConfig, ...]) -> str:
    return ", ".join(f"{team.team}{_limit(team.load_limit)}" for team in teams)


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" (limit {limit})"


def _print_table(file: str, config: FlowConfig) -> None:
    # Rich is slow to import, so only a terminal needs it.
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", f"{escape(file)} is a valid configuration", show_edge=False, pad_edge=False)
    for name, value in rows(config):
        table.add_row(escape(name), escape(value))
    Console().print(table)
