"""The output of `flowgauge topics repartition`: the plan, the progress and the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stream.kafka.journal import Move
from stream.kafka.prepare import Prepared
from stream.kafka.repartition import Show
from stream.settings import Settings


def describe(prepared: Prepared) -> str:
    """Describe what will be done, in one to three sentences."""
    state = prepared.state
    if prepared.resumed:
        return f"A repartition to {state.to} partitions was interrupted and will be finished."
    changes = [
        f"{move.name} from {move.partitions} to {state.to}"
        for move in (state.events, state.histories)
        if move.partitions != state.to
    ]
    parts = [f"Partitions: {' and '.join(changes)}."] if changes else []
    if prepared.misplaced:
        parts.append(f"{prepared.misplaced:,} items will be moved to the partition of their key.")
    if state.events.needed:
        parts.append(
            f"{state.events.name} will be deleted and created again: stop its producers, or their events are refused "
            "meanwhile. Other consumer groups will read it from the beginning."
        )
    return " ".join(parts) or f"Workers will be told that all items are in place for {state.to} partitions."


@contextmanager
def show_progress() -> Iterator[Show]:
    """Show the progress, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _what, _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        yield show


def report(settings: Settings, prepared: Prepared, *, as_json: bool) -> None:
    """Print what was done."""
    state = prepared.state
    if as_json:
        topics = {"events": _counted(state.events), "histories": _counted(state.histories)}
        done = {"to": state.to, "done": not prepared.nothing_to_do, "resumed": prepared.resumed, **topics}
        click.echo(json.dumps({**done, "merged": state.merged, "left_out": state.left_out}))
        return
    if prepared.nothing_to_do:
        click.echo(f"{state.to} partitions, and each item is in the partition of its key: nothing to do")
        return
    for name, count in state.left_out.items():
        click.echo(f"item {name!r} was in several partitions: {count:,} of its events did not fit into one history")
    moved = [f"{move.records:,} {what}" for move, what in _moved(prepared) if move.needed]
    merged = f", {state.merged:,} of them from several partitions" if state.merged else ""
    click.echo(f"{state.to} partitions; moved {' and '.join(moved) or 'nothing'}{merged}")
    if settings.events_partitions != state.to:
        click.echo(f"set FLOW_EVENTS_PARTITIONS={state.to} for each worker before it starts")


def _moved(prepared: Prepared) -> tuple[tuple[Move, str], ...]:
    return (prepared.state.events, "events"), (prepared.state.histories, "items")


def _counted(move: Move) -> dict[str, int]:
    return {"from": move.partitions, "moved": move.records}
