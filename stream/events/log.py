"""A log file, row by row: CSV or JSON Lines, plain or gzip.

A row that is not a valid event becomes a rejection with its line and bytes, and reading goes on. Only a file that
cannot be read raises InputError. Rows are streamed: one at a time is held in memory.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import orjson
from msgspec.structs import replace

from stream.errors import InputError
from stream.events.decode import decode_value, quoted, read_envelope
from stream.events.event import Event, EventType
from stream.events.limits import MAX_EVENT_BYTES, MAX_NAME
from stream.events.rejection import Reason, Rejection

MAX_LINE_BYTES = 16 << 20
MAX_ROW_LINES = 1_000

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_SHOWN = 30
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)
_OPEN = "has a quote that is never closed: close it"
_FAULTS = {
    "unexpected end": _OPEN,
    "expected after": "has text after a closing quote: double the quotes inside a quoted cell",
    "new-line character": "has a carriage return inside: end lines with LF or CRLF",
    "field larger": f"has a cell of more than {csv.field_size_limit():,} characters: shorten it",
}
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class LogRow(NamedTuple):
    """A row of a log: its event, or its rejection.

    Attributes:
        line: The line on which the row begins, counted from 1.
        raw: The row's bytes without the line end.
        position: How many bytes of the file are read so far, to show progress.
    """

    line: int
    raw: bytes
    event: Event | None
    rejection: Rejection | None
    position: int = 0


class Column(NamedTuple):
    """A field of the event and the cells it comes from."""

    cells: tuple[int, ...]
    field: str


@dataclass(frozen=True)
class ColumnMap:
    """Maps columns of a CSV file to fields; every other column gives the field of its own name."""

    pairs: tuple[tuple[tuple[str, ...], str], ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Self:
        """Read `COLUMN=FIELD` and `COLUMN+COLUMN=FIELD`. Raises InputError."""
        pairs = []
        for text in texts:
            columns, _, field = text.rpartition("=")
            names = tuple(name.strip() for name in columns.split("+"))
            if not field.strip() or not all(names):
                fix = "write it as COLUMN=FIELD, or COLUMN+COLUMN=FIELD to join columns"
                raise InputError(f"the mapping {quoted(text)} cannot be read: {fix}")
            pairs.append((names, field.strip()))
        return cls(tuple(pairs))

    def bind(self, header: Sequence[str], file: str) -> list[Column]:
        """Find the columns in a header. Raises InputError with the file and its columns if one is missing."""
        names = [name.strip() for name in header]
        present = f"its columns are {_listed(names)}"
        twice = {name for name in names if name and names.count(name) > 1}
        if twice:
            raise InputError(f"{file}: two columns are named {_listed(sorted(twice))}: rename one of them")
        bound = []
        for columns, field in self.pairs:
            if unknown := [column for column in columns if column not in names]:
                wanted = f"no column {_listed(unknown)}, which is mapped to {quoted(field)}"
                raise InputError(f"{file}: {wanted}: {present}: correct --map")
            bound.append(Column(tuple(names.index(column) for column in columns), field))
        mapped = {cell for column in bound for cell in column.cells}
        bound += [Column((cell,), name) for cell, name in enumerate(names) if name and cell not in mapped]
        _check_fields([column.field for column in bound], file, present)
        return bound


def read_log(path: Path, mapping: ColumnMap, source: str, arrival: int) -> Iterator[LogRow]:
    """Read a log; `arrival` is the instant of reading (microseconds), `source` that of CSV rows that name none.

    JSON Lines (`.jsonl`, `.ndjson`, `.json`, or a first line that begins with `{`) holds events; CSV has a header. In
    CSV an empty cell is a field that the row does not change. Unless columns give them, `sequence` is the row's number
    and `id` a digest of the row's content. Raises InputError.
    """
    lines = _Lines(path)
    try:
        first = lines.peek()
        if _is_json_lines(path, first):
            if mapping.pairs:
                raise InputError(f"{lines.file} holds JSON Lines, which have no columns: leave --map out")
            if first.lstrip().startswith(b"["):
                raise InputError(f"{lines.file} holds a JSON array: write one event a line (jq -c '.[]')")
            yield from _json_rows(lines, arrival)
        else:
            yield from _csv_rows(lines, mapping, source, arrival)
    finally:
        lines.close()


def _json_rows(lines: _Lines, arrival: int) -> Iterator[LogRow]:
    while line := lines.read():
        raw = line.rstrip(b"\r\n")
        if not raw.strip():
            continue
        try:
            yield LogRow(lines.number, raw, decode_value(raw, arrival), None, lines.position)
        except Rejection as rejection:
            yield LogRow(lines.number, raw, None, rejection, lines.position)


def _csv_rows(lines: _Lines, mapping: ColumnMap, source: str, arrival: int) -> Iterator[LogRow]:
    rows = _split(lines)
    header = next(rows, None)
    if header is None:
        raise InputError(f"{lines.file} is empty: the first line of a CSV log names its columns")
    if header.fault:
        raise InputError(f"{lines.file}: the header cannot be read: {header.fault}")
    columns = mapping.bind(header.cells, lines.file)
    for number, row in enumerate(rows, start=1):
        try:
            _check_row(row, len(header.cells))
            event = _csv_event(row.cells, columns, source, number, arrival)
            yield LogRow(row.line, row.raw, event, None, lines.position)
        except Rejection as rejection:
            rejection.source = rejection.source or source
            yield LogRow(row.line, row.raw, None, rejection, lines.position)


def _csv_event(cells: list[str], columns: list[Column], source: str, number: int, arrival: int) -> Event:
    fields: dict[str, Any] = {}
    for column in columns:
        text = "/".join(filter(None, (cells[cell].strip() for cell in column.cells)))
        if text:
            fields[column.field] = _value(column.field, text)
    named, ordered = fields.pop("id", None), "sequence" in fields
    envelope = {
        "specversion": "1.0",
        "id": named or "-",
        "source": fields.pop("source", source),
        "type": fields.pop("type", EventType.CHANGED.value),
        "time": fields.pop("time", None),
        "sequence": fields.pop("sequence", f"{number:012}"),
        "data": fields,
    }
    event = read_envelope(envelope, arrival)
    return event if named else replace(event, id=_digest(event, event.sequence if ordered else ""))


def _digest(event: Event, sequence: str) -> str:
    """Give an id from the row's content, so that importing a file twice changes nothing.

    The row's number is no part of it: if a file grows at its head, its old rows keep their ids.
    """
    content = [event.item, event.time, event.type, event.source, event.changes, sequence]
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _value(field: str, text: str) -> object:
    """Convert a cell to its field's type. A text that does not fit stays text, and the event's checks refuse it."""
    if field in ("blocked", "committed"):
        return _FLAGS.get(text.lower(), text)
    if field in ("points", "planned_value", "actual_value") and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if field == "labels":
        return [label for label in map(str.strip, re.split("[;,]", text)) if label]
    return text


class _Row(NamedTuple):
    line: int
    raw: bytes
    cells: list[str]
    fault: str


def _check_row(row: _Row, width: int) -> None:
    """Raise Rejection if the row's cells cannot be trusted."""
    if len(row.raw) > MAX_EVENT_BYTES:
        raise Rejection(Reason.TOO_LARGE, f"the row's {len(row.raw):,} bytes are over {MAX_EVENT_BYTES:,}")
    fault = row.fault
    if not fault and len(row.cells) != width:
        fault = f"has {len(row.cells)} cells, but the header has {width}: quote cells that contain a comma"
    if fault:
        start = quoted(row.raw[:MAX_NAME].decode(errors="replace"))
        raise Rejection(Reason.NOT_AN_EVENT, f"the row {start} {fault}")


def _split(lines: _Lines) -> Iterator[_Row]:
    """Split lines into rows of cells. Quoted cells may span lines; empty lines are not rows.

    If a quote is never closed, only the line that opens it is rejected: reading goes on with the next line.
    """
    taken = _Taken(lines)
    reader = csv.reader(taken, strict=True)
    while True:
        taken.restart()
        line = lines.number + 1
        fault, cells = "", []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # An open quote may seem to end at the next opening quote. That error, too, belongs to the open quote.
            many = taken.give_back_all_but_first()
            fault = _OPEN if many else _said(error)
        raw = taken.raw()
        if cells or fault:
            yield _Row(line, raw, cells, fault or _fault_of(raw))


def _said(error: csv.Error) -> str:
    return next((said for sign, said in _FAULTS.items() if sign in str(error)), f"cannot be read: {error}")


def _fault_of(raw: bytes) -> str:
    if b"\0" in raw:
        return "contains a NUL byte: save the file as UTF-8"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8 at its byte {error.start + 1}: save the file as UTF-8"
    return ""


class _Taken:
    """The lines of one row, as the CSV reader pulls them."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._taken: list[bytes] = []
        self._size = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        # Else a quote that is never closed would swallow the rest of the file.
        too_long = len(self._taken) == MAX_ROW_LINES or self._size > MAX_EVENT_BYTES
        line = b"" if too_long else self._lines.read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._size += len(line)
        return line.decode(errors="surrogateescape")

    def restart(self) -> None:
        self._taken.clear()
        self._size = 0

    def give_back_all_but_first(self) -> bool:
        """Give back all lines but the first, to be read again; say whether there were any."""
        others = self._taken[1:]
        self._lines.give_back(others)
        del self._taken[1:]
        return bool(others)

    def raw(self) -> bytes:
        return b"".join(self._taken).rstrip(b"\r\n")


class _Lines:
    """The lines of a file, unpacked and without byte order mark; `number` is that of the last line read."""

    def __init__(self, path: Path) -> None:
        self.file = repr(str(path))
        self.number = 0
        self.position = 0
        self._waiting: deque[bytes] = deque()
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise InputError(f"{self.file} cannot be opened: {error.strerror}: check the path") from None
        self._unpacked: BinaryIO | None = None

    def close(self) -> None:
        self._raw.close()

    def peek(self) -> bytes:
        line = self.read()
        self.give_back([line] if line else [])
        return line

    def read(self) -> bytes:
        """Give the next line; empty at the end of the file."""
        line = self._waiting.popleft() if self._waiting else self._next()
        self.number += bool(line)
        return line

    def give_back(self, lines: list[bytes]) -> None:
        """Give back lines, to be read again."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    def _next(self) -> bytes:
        try:
            if self._unpacked is None:
                self._unpacked = _unpacked(self._raw)
                line = self._unpacked.readline(MAX_LINE_BYTES + 1).removeprefix(_BOM)
            else:
                line = self._unpacked.readline(MAX_LINE_BYTES + 1)
            # tell() is a system call, so it is called only now and then.
            if self.number & 0xFF == 0:
                self.position = self._raw.tell()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self._after()}: the gzip file is damaged ({error}): fetch it again") from None
        except OSError as error:
            raise InputError(f"{self._after()}: {error.strerror}: check the disk") from None
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"{self._after()}: a line is longer than {MAX_LINE_BYTES >> 20} MiB: is it a log?")
        return line

    def _after(self) -> str:
        return f"{self.file} cannot be read after line {self.number:,}"


def _unpacked(raw: io.BufferedReader) -> BinaryIO:
    if raw.peek(2)[:2] == _GZIP or str(raw.name).lower().endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 16)
    return raw


def _is_json_lines(path: Path, first: bytes) -> bool:
    """Decide by the file's name, else by its first line."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(_JSON_LINES) or (not name.endswith(".csv") and first.lstrip().startswith(b"{"))


def _check_fields(fields: list[str], file: str, present: str) -> None:
    twice = sorted({field for field in fields if fields.count(field) > 1})
    if twice:
        raise InputError(f"{file}: two columns give the field {_listed(twice)}: correct --map")
    missing = [field for field in ("item", "time") if field not in fields]
    if missing:
        fix = f"say which with --map COLUMN={missing[0]}"
        raise InputError(f"{file}: no column gives the field {_listed(missing)}: {present}: {fix}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
