"""Numbers as tables on a terminal, and items as short texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.events.event import SECOND
from stream.events.time import format_time
from stream.flow.parents import Children
from stream.flow.report import NodeNumbers
from stream.items.points import MILLION
from stream.items.summary import UNASSIGNED, Owner, Stamp, Summary

MINUTE, HOUR, DAY = 60, 3_600, 86_400
PIPE_WIDTH = 160
INDENT = {"portfolio": "", "value_stream": "", "art": "  ", "team": "    "}
HEADINGS = ("load", "limit", "blocked", "age p85", "started", "finished", "time p50", "time p85", "efficiency")


def numbers_table(nodes: Sequence[NodeNumbers], at: int, windows: Sequence[str]) -> None:
    """Print a table of all nodes, with durations in days, hours or minutes.

    The windowed columns are of the middle window; they are empty while that window is absent.
    """
    window = windows[len(windows) // 2]
    several = len({numbers.node.backlog for numbers in nodes}) > 1
    table = Table(title=f"Flow at {format_time(at)}, window {window}", title_justify="left")
    table.add_column("")
    if several:
        table.add_column("backlog")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for numbers in nodes:
        node = numbers.node
        name = INDENT[node.level] + (node.team or node.art or node.value_stream or "portfolio")
        place = [Text(name), Text(node.backlog)] if several else [Text(name)]
        style = "red" if over_limit(numbers) else None
        table.add_row(*place, *_load(numbers, at), *_window(numbers, window), style=style)
    # A file or a pipe has no width. At the default of 80 columns the table would be cut.
    console = Console()
    console.width = console.width if console.is_terminal else PIPE_WIDTH
    console.print(table)


def over_limit(numbers: NodeNumbers) -> bool:
    """Return whether a node's load is above its WIP limit."""
    return numbers.limit is not None and numbers.load > numbers.limit


def _load(numbers: NodeNumbers, at: int) -> list[str]:
    return [
        str(numbers.load),
        "" if numbers.limit is None else str(numbers.limit),
        str(sum(numbers.blocked.values()) or ""),
        duration(numbers.ages.at(at).p85),
    ]


def _window(numbers: NodeNumbers, label: str) -> list[str]:
    window = numbers.windows.get(label)
    if window is None:
        return [""] * 5
    done = window.finished
    return [
        str(window.arrivals.total()),
        str(done.velocity.total()),
        duration(done.flow_time.p50),
        duration(done.flow_time.p85),
        "" if done.efficiency is None else f"{done.efficiency:.0%}",
    ]


def unplaced_line(unplaced: Mapping[tuple[str, str], int]) -> str:
    """Say how many items no backlog holds, by source and flow item type."""
    parts = ", ".join(f"{count:,} {item_type} of {source}" for (source, item_type), count in sorted(unplaced.items()))
    return f"In no backlog, and in no number: {parts}"


def item_lines(item: Summary, children: Children, at: int) -> Iterator[str]:
    """Write what is known of an item at an instant (microseconds), a line for each thing."""
    yield f"Item {item.item} of {item.source} at {format_time(at)}"
    for name, text in _facts(item, children, at).items():
        if text:
            yield f"  {name:<9} {text}"


def _facts(item: Summary, children: Children, at: int) -> dict[str, str]:
    start, finish = item.start, item.finish
    began = _stamp(start, item)
    return {
        "key": item.key or "",
        "parent": item.parent or "",
        "type": item.item_type,
        "owner": _path(item.owner),
        "backlog": item.backlog or "none: it is in no number",
        "state": _state(item, at),
        "blocked": "" if item.blocked_since is None else _since(item.blocked_since, at),
        "points": "not estimated" if item.points is None else _amount(item.points),
        "started": f"{began}, or before" if item.start_is_lower_bound else began,
        "finished": _stamp(finish, item),
        "flow time": "" if start is None or finish is None else duration((finish.time - start.time) / SECOND),
        "children": f"{children.done} of {children.of} done" if children.of else "",
    }


def _state(item: Summary, at: int) -> str:
    if item.deleted:
        return "deleted"
    if item.state is None or item.state_since is None:
        return "none"
    return f"{item.state} ({item.flow_state}), {_since(item.state_since, at)}"


def _amount(millionths: int) -> str:
    return f"{millionths / MILLION:,.6f}".rstrip("0").rstrip(".")


def _since(time: int, at: int) -> str:
    return f"for {duration((at - time) / SECOND)}, since {format_time(time)}"


def _stamp(stamp: Stamp | None, item: Summary) -> str:
    """Write an instant in an item's life, with what was other then than now."""
    if stamp is None:
        return ""
    owner = "" if stamp.owner == item.owner else f", owned by {_path(stamp.owner)}"
    backlog = "" if stamp.backlog == item.backlog else f", in backlog {stamp.backlog or 'none'}"
    kind = "" if stamp.item_type == item.item_type else f", as {stamp.item_type}"
    return f"{format_time(stamp.time)}{owner}{backlog}{kind}"


def _path(owner: Owner) -> str:
    return "nobody" if owner == UNASSIGNED else " / ".join(filter(None, owner)) or "portfolio"


def duration(seconds: float | None) -> str:
    """Write seconds in a unit that suits their size."""
    if seconds is None:
        return ""
    for unit, name in ((DAY, "d"), (HOUR, "h")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / MINUTE:.0f} min"
