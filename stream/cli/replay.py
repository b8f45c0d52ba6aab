"""`flowgauge replay`: the numbers of a log at an instant, or one of its items, without a broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import orjson

from stream.cli.options import mapping_option, source_option
from stream.clock import wall_time
from stream.config.loading import load_config
from stream.config.model import FlowConfig
from stream.errors import InputError
from stream.events.decode import quoted
from stream.events.event import Event
from stream.events.log import ColumnMap, read_log
from stream.events.time import format_time, parse_time
from stream.flow.parents import children_of
from stream.flow.replay import Replay
from stream.flow.report import as_json, by_source
from stream.items.codec import summary_as_json


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
@click.option("--item", metavar="ID", help="Print what is known of this item, and how many of its children are done.")
@mapping_option
@source_option
@click.option("--json", "as_program", is_flag=True, help="Print one JSON object.")
def command(
    log: Path, config: str, at: int | None, item: str | None, mapping: ColumnMap, source: str, as_program: bool
) -> None:
    """Print the numbers of LOG (CSV or JSON Lines, plain or .gz) at an instant, without Kafka."""
    flow = load_config(config)
    now = wall_time()
    instant = now if at is None else at
    replay = Replay(flow, instant)
    replay.add(_events(log, mapping, source, max(now, instant)))
    for reason, count in replay.refused.items():
        print(f"flowgauge: {count:,} events refused: {reason}", file=sys.stderr)
    if item is not None:
        _show_item(replay, item, instant, as_program)
    elif as_program:
        _write_numbers(replay, instant)
    else:
        _show_numbers(replay, instant, flow)


def _events(log: Path, mapping: ColumnMap, source: str, arrival: int) -> Iterator[Event]:
    for row in read_log(log, mapping, source, arrival):
        if row.event is not None:
            yield row.event
        elif row.rejection is not None:
            line = f"flowgauge: skipped {log}:{row.line}: {row.rejection}"
            print(line, file=sys.stderr)


def _write_numbers(replay: Replay, at: int) -> None:
    nodes = [as_json(numbers, at) for numbers in replay.read() if not numbers.node.own]
    print(orjson.dumps({"at": format_time(at), "nodes": nodes, "unplaced": by_source(replay.unplaced())}).decode())


def _show_numbers(replay: Replay, at: int, flow: FlowConfig) -> None:
    from stream.cli.tables import numbers_table, unplaced_line

    nodes = [numbers for numbers in replay.read() if not numbers.node.own]
    numbers_table(nodes, at, [str(window) for window in flow.trailing or flow.windows])
    unplaced = replay.unplaced()
    if unplaced:
        print(unplaced_line(unplaced))


def _show_item(replay: Replay, item: str, at: int, as_program: bool) -> None:
    from stream.cli.tables import item_lines

    items = replay.items()
    if item not in items:
        raise InputError(
            f"no item {quoted(item)} is known at {format_time(at)}: give the id of an item (`item`, not `key`)"
        )
    children = children_of(item, items.values())
    if as_program:
        print(orjson.dumps({**summary_as_json(items[item]), "children": children._asdict()}).decode())
    else:
        print("\n".join(item_lines(items[item], children, at)))
