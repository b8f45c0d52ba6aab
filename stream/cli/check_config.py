"""`flowgauge check-config`: shows what a configuration says, or every mistake in it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from stream.config.loading import load_config
from stream.config.mistake import Mistakes
from stream.config.model import Art, FlowConfig, LoadLimit, Names, Portfolio, TeamConfig, ValueStream


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
    nodes: list[Portfolio | ValueStream | Art | TeamConfig] = [config.portfolio, *config.organisation, *arts, *teams]
    limits = [node.load_limit for node in nodes if node.load_limit is not None]
    return {
        "fingerprint": config.fingerprint,
        "value_streams": len(config.organisation),
        "arts": len(arts),
        "teams": len(teams),
        "limits": sum(len(limit) if isinstance(limit, dict) else 1 for limit in limits),
        "owners_above_teams": [_owner(names) for names, _ in config.owners if not names[-1]],
        "workflows": [workflow.name for workflow in config.workflows],
        "item_types": list(config.item_types),
        "backlogs": [{"backlog": backlog.backlog, "home": backlog.home} for backlog in config.backlogs],
        "windows": list(config.window_labels),
        "exported_windows": list(config.exported_windows),
        "left_out": list(config.export.leave_out),
        "retention": config.retention.label,
        "time_zone": config.time_zone,
        "program_increments": [increment.name for increment in config.program_increments],
        "iterations": config.iterations and f"{config.iterations.length} from {config.iterations.first}",
        "sources": [source.name for source in config.sources],
        "targets": [target.name for target in config.targets],
    }


def _owner(names: Names) -> str:
    return " / ".join(name for name in names if name) or "portfolio"


def rows(config: FlowConfig) -> list[tuple[str, str]]:
    """Return names and values: one row for each fact, then one for the portfolio and each value stream."""
    facts = [(name.replace("_", " "), _fact(value)) for name, value in understood(config).items()]
    streams = ", ".join(stream.value_stream for stream in config.organisation)
    portfolio = (f"portfolio{_limit(config.portfolio.load_limit)}", streams)
    return [*facts, portfolio, *(_stream_row(stream) for stream in config.organisation)]


def _fact(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_fact, value)) or "-"
    if isinstance(value, dict):
        return f"{value['backlog']} (home {value['home']})"
    return "-" if value is None else str(value)


def _stream_row(stream: ValueStream) -> tuple[str, str]:
    arts = [f"{art.art}{_limit(art.load_limit)}: {_teams(art.teams)}" for art in stream.arts]
    return f"value stream {stream.value_stream}{_limit(stream.load_limit)}", "; ".join(arts)


def _teams(teams: tuple[TeamConfig, ...]) -> str:
    return ", ".join(f"{team.team}{_limit(team.load_limit)}" for team in teams)


def _limit(limit: LoadLimit) -> str:
    if limit is None:
        return ""
    words = [f"{backlog} {number}" for backlog, number in limit.items()] if isinstance(limit, dict) else [str(limit)]
    return f" (limit {', '.join(words)})"


def _print_table(file: str, config: FlowConfig) -> None:
    # Rich is slow to import, so only a terminal needs it.
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", f"{escape(file)} is a valid configuration", show_edge=False, pad_edge=False)
    for name, value in rows(config):
        table.add_row(escape(name), escape(value))
    Console().print(table)
