"""The results as a table on the terminal, one line for each measurement, with the median of its rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS: Mapping[str, str] = {
    "events_per_second": "events/s",
    "events_per_cpu_second": "events/CPU s",
    "items_per_second": "items/s",
    "seconds": "s",
    "seconds_not_shown": "s not shown",
    "cpu_seconds": "CPU s",
    "p50": "p50 ms",
    "p99": "p99 ms",
    "max": "max ms",
    "bytes": "MB",
    "bytes_an_item": "B an item",
    "cpu_seconds_an_event": "CPU us an event",
}
_IN_MILLISECONDS = {"p50", "p99", "max"}


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print a table for each part that was measured."""
    for part, found in results.items():
        rows = list(_rows(found))
        names = [name for name in COLUMNS if any(name in row for _, row in rows)]
        if part == "machine" or not names:
            continue
        table = Table("", *(COLUMNS[name] for name in names), title=part, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for label, row in rows:
            table.add_row(label, *(_text(name, row.get(name)) for name in names))
        console.print(table)


def _rows(found: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each measurement with its figures, named by its path in the results."""
    if any(name in found for name in COLUMNS):
        yield path, found
    for name, inner in found.items():
        if isinstance(inner, dict) and name != "size":
            yield from _rows(inner, f"{path} {name}".strip())


def _text(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in _IN_MILLISECONDS:
        return f"{value * 1_000:,.1f}"
    if name == "bytes":
        return f"{value / 1_000_000:,.1f}"
    if name == "cpu_seconds_an_event":
        return f"{value * 1_000_000:,.1f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
