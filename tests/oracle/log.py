"""A CSV log as events, the naive way."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path

from tests.oracle.rules import Json


def events_from_log(path: Path, mapping: Mapping[str, str], source: str = "import") -> list[Json]:
    """Read a CSV log, plain or `.gz`.

    `mapping` renames columns to fields; `a+b` joins two columns with `/`. A column it does not name keeps its
    name. An empty cell changes nothing. The sequence is the row's number, unless a column gives it.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [event_from_row(row, number, mapping, source) for number, row in enumerate(rows, start=1)]


def event_from_row(row: dict[str, str], number: int, mapping: Mapping[str, str], source: str) -> Json:
    """Make the event of one row; rows with the same content are the same event."""
    mapped = {column for columns in mapping for column in columns.split("+")}
    fields = {column: value for column, value in row.items() if column not in mapped}
    for columns, field in mapping.items():
        fields[field] = "/".join(row[column] for column in columns.split("+") if row[column])
    time = fields.pop("time")
    sequence = fields.pop("sequence", "") or f"{number:012}"
    return {
        "specversion": "1.0",
        "id": "|".join(row.values()),
        "source": source,
        "type": "flow.item.changed",
        "time": time,
        "sequence": sequence,
        "data": {field: value for field, value in fields.items() if value},
    }
