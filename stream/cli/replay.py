"""`flowgauge replay`: the numbers of a log at an instant, without a broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import orjson

from stream.cli.options import mapping_option, source_option
from stream.clock import wall_time
from stream.config.loading import load_config
from stream.events.event import Event
from stream.events.log import ColumnMap, read_log
from stream.events.time import format_time, parse_time
from stream.flow.replay import Replay
from stream.flow.report import NodeNumbers, as_json


class Instant(click.ParamType):
    """An RFC 3339 instant, as microseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse the instant. A usage error says what is wrong with it."""
        try:
            return parse_time(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("-c", "--config", type=click.Path(), default="flow.yaml", show_default=True, help="The flow.yaml.")
@click.option("--at", type=Instant(), help="The instant, such as 2026-11-22T10:15:00Z. Default: now.")
@mapping_option
@source_option
@click.option("--json", "as_program", is_flag=True, help="Print one JSON object.")
def command(log: Path, config: str, at: int | None, mapping: ColumnMap, source: str, as_program: bool) -> None:
    """Print the numbers of LOG (CSV or JSON Lines, plain or .gz) at an instant, without Kafka."""
    flow = load_config(config)
    now = wall_time()
    instant = now if at is None else at
    replay = Replay(flow, instant)
    replay.add(_events(log, mapping, source, max(now, instant)))
    nodes = replay.read()
    for reason, count in replay.refused.items():
        print(f"flowgauge: {count:,} events refused: {reason}", file=sys.stderr)
    if as_program:
        print(orjson.dumps({"at": format_time(instant), "nodes": [as_json(node, instant) for node in nodes]}).decode())
    else:
        _show(nodes, instant, [window.label for window in flow.windows])


def _events(log: Path, mapping: ColumnMap, source: str, arrival: int) -> Iterator[Event]:
    for row in read_log(log, mapping, source, arrival):
        if row.event is not None:
            yield row.event
        elif row.rejection is not None:
            line = f"flowgauge: skipped {log}:{row.line}: {row.rejection}"
            print(line, file=sys.stderr)


def _show(nodes: Sequence[NodeNumbers], at: int, windows: Sequence[str]) -> None:
    from stream.cli.tables import numbers_table

    numbers_table(nodes, at, windows)
