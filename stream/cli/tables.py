"""Numbers as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.events.time import format_time
from stream.flow.report import NodeNumbers

MINUTE, HOUR, DAY = 60, 3_600, 86_400
PIPE_WIDTH = 160
INDENT = {"portfolio": "", "value_stream": "", "art": "  ", "team": "    "}


def numbers_table(nodes: Sequence[NodeNumbers], at: int, windows: Sequence[str]) -> None:
    """Print a table of all nodes, with durations in days, hours or minutes.

    The windowed columns are of the middle window.
    """
    window = windows[len(windows) // 2]
    table = Table(title=f"Flow at {format_time(at)}, window {window}", title_justify="left")
    table.add_column("")
    for heading in ("load", "limit", "blocked", "age p85", "started", "finished", "time p50", "time p85", "efficiency"):
        table.add_column(heading, justify="right")
    for numbers in nodes:
        table.add_row(*_row(numbers, window, at), style="red" if over_limit(numbers) else None)
    # A file or a pipe has no width. At the default of 80 columns the table would be cut.
    console = Console()
    console.width = console.width if console.is_terminal else PIPE_WIDTH
    console.print(table)


def over_limit(numbers: NodeNumbers) -> bool:
    """Return whether a node's load is above its WIP limit."""
    return numbers.limit is not None and numbers.load > numbers.limit


def _row(numbers: NodeNumbers, window: str, at: int) -> list[str | Text]:
    node, done = numbers.node, numbers.windows[window].finished
    name = node.team or node.art or node.value_stream or "portfolio"
    return [
        Text(INDENT[node.level] + name),
        str(numbers.load),
        "" if numbers.limit is None else str(numbers.limit),
        str(sum(numbers.blocked.values()) or ""),
        duration(numbers.ages.at(at).p85),
        str(numbers.windows[window].arrivals.total()),
        str(done.velocity.total()),
        duration(done.flow_time.p50),
        duration(done.flow_time.p85),
        "" if done.efficiency is None else f"{done.efficiency:.0%}",
    ]


def duration(seconds: float | None) -> str:
    """Write seconds in a unit that suits their size."""
    if seconds is None:
        return ""
    for unit, name in ((DAY, "d"), (HOUR, "h")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / MINUTE:.0f} min"
