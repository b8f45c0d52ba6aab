"""The row of the item table: a packed header, which can be read without the rest, and a JSON array of entries.

An entry is a list that holds only the differences from the entry before it:

1. the time since that entry, in microseconds (first entry: since 1970),
2. the sequence,
3. the number of characters that the id shares with that entry's id, up to a colon,
4. the rest of the id,
5. the changes; only the different ones if both entries have the same fields,
6. 1 if the fields differ, so that all changes are written, else 0,
7. the number of the type, and
8. the source.

The last three are left out if they are 0, 0 and that entry's source. So only the last entry is needed to append one.
Rows of version 1, whose entries are complete, can be read. They become version 2 when they are next written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from stream.events.event import Event, EventType
from stream.events.limits import MAX_DEPTH

ROW_VERSION = 2
_READ = (1, 2)
_HEADER = struct.Struct(">BqqQ")
_NEWEST = struct.Struct(">Bq")
_TYPES = tuple(EventType)
_CODES = {event_type: code for code, event_type in enumerate(_TYPES)}
_BEGIN, _END = b"[]"
# Fields that the fold expects to be text or null.
_TEXTS = frozenset({"state", "previous_state"})
# Microseconds. All times that an event can have are far within it.
_MAX_TIME = 1 << 61
# Equal values of one of these types are written alike.
_PLAIN = frozenset({int, bool, type(None)})


class Entry(NamedTuple):
    """One event of the item; its first four fields are its place in the order."""

    time: int
    sequence: str
    id: str
    source: str
    type: EventType
    changes: Mapping[str, Any]

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Give the order within an item: time, then sequence, then id, then source."""
        return self[:4]


NOTHING = Entry(0, "", "", "", EventType.CHANGED, {})


class Header(NamedTuple):
    """The part of a row that can be read without its entries: instants in microseconds, `sent` as a bit set."""

    newest: int
    arrival: int
    sent: int


def read_header(row: bytes) -> Header:
    """Read newest event time, last arrival and the bit set of partitions. Raises ValueError for other versions."""
    try:
        version, newest, arrival, sent = _HEADER.unpack_from(row)
    except struct.error as error:
        raise ValueError(f"not a row of an item: {error}") from None
    _check(version)
    return Header(newest, arrival, sent)


def read_newest(row: bytes) -> int:
    """Read only the newest event time (microseconds), as a worker does for every row when it starts.

    Raises ValueError for other versions.
    """
    version, newest = _NEWEST.unpack_from(row)
    _check(version)
    return int(newest)


def _check(version: int) -> None:
    if version not in _READ:
        raise ValueError(f"item row of version {version}; this release reads versions 1 and {ROW_VERSION}")


def is_row(value: bytes) -> bool:
    """Tell whether bytes look like a row of a version that can be read; the entries are not read."""
    begin = _HEADER.size
    return len(value) > begin + 2 and value[0] in _READ and value[begin] == _BEGIN and value[-1] == _END


def read_entries(row: bytes) -> list[Entry]:
    """Read the entries of a row. Raises ValueError if flowgauge cannot have written them."""
    try:
        written = orjson.loads(memoryview(row)[_HEADER.size :])
        if row[0] == 1:
            entries = [_decoded_whole(one) for one in written]
        else:
            entries, former = [], NOTHING
            for one in written:
                former = _decoded(former, one)
                entries.append(former)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"not the entries of an item: {error!r}") from None
    if not entries:
        raise ValueError("not the entries of an item: there is none")
    return entries


def _decoded(former: Entry, written: Sequence[Any]) -> Entry:
    passed, sequence, common, rest, fields = written[:5]
    whole, code, source = written[5:] or (0, 0, former.source)
    time = former.time + passed
    _check_entry(time, sequence, source, fields)
    changes = fields if whole else {**former.changes, **fields}
    name = former.id[:common] + rest
    return Entry(time, sequence, name, source, _TYPES[code], changes)


def _decoded_whole(written: Sequence[Any]) -> Entry:
    time, sequence, name, source, code, changes = written
    _check_entry(time, sequence, source, changes)
    return Entry(time, sequence, name + "", source, _TYPES[code], changes)


def _check_entry(time: Any, sequence: Any, source: Any, fields: Any) -> None:
    """Raise TypeError if a part has a type that would break the fold or the next writing of the row."""
    if type(time) is not int or type(sequence) is not str or type(source) is not str or type(fields) is not dict:
        raise TypeError("a part of an entry has a type that no event has")
    if not -_MAX_TIME < time < _MAX_TIME:
        raise TypeError(f"{time} is not the time of an event")
    for value in fields.values():
        if type(value) is not str:
            _check_values(fields)
            return


def _check_values(fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        if field in _TEXTS and value is not None and type(value) is not str:
            raise TypeError(f"{field} is not text")
        if not _is_shallow(value, MAX_DEPTH):
            raise TypeError(f"{field} is nested too deeply to be written again")


def _is_shallow(value: Any, levels: int) -> bool:
    if type(value) is dict:
        return levels > 0 and all(_is_shallow(part, levels - 1) for part in value.values())
    if type(value) is list:
        return levels > 0 and all(_is_shallow(part, levels - 1) for part in value)
    return True


def encode_entry(entry: Entry | Event, former: Entry | Event) -> bytes:
    """Write one entry as it follows another in a row; `former` is `NOTHING` for the first."""
    name, before, source, code = entry.id, former.id, entry.source, _CODES[entry.type]
    passed, common = entry.time - former.time, before.rfind(":") + 1
    if not name.startswith(before[:common]):
        common = 0
    fields = _difference(entry.changes, former.changes)
    if fields is None:
        return _dumped((passed, entry.sequence, common, name[common:], entry.changes, 1, code, source))
    if code or source != former.source:
        return _dumped((passed, entry.sequence, common, name[common:], fields, 0, code, source))
    return _dumped((passed, entry.sequence, common, name[common:], fields))


def _difference(changes: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the changes that differ from those before; None if the fields are not the same."""
    if len(changes) != len(before):
        return None
    fields = {}
    try:
        for field, value in changes.items():
            known = before[field]
            if known != value or not (type(value) is str or _is_written_alike(known, value)):
                fields[field] = value
    except KeyError:
        return None
    return fields


def _is_written_alike(before: Any, value: Any) -> bool:
    # 1, 1.0 and true are equal; so are 0.0 and -0.0, also within lists.
    if type(before) is not type(value):
        return False
    return type(value) in _PLAIN or _dumped(before) == _dumped(value)


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def encode_entries(entries: Iterable[Entry]) -> list[bytes]:
    """Write the entries of a whole history."""
    parts, former = [], NOTHING
    for entry in entries:
        parts.append(encode_entry(entry, former))
        former = entry
    return parts


def write_row(header: Header, entries: Sequence[bytes | bytearray], former: bytes | None = None) -> bytes:
    """Write a row of entries; `former`, a row of this version, gives the entries before them."""
    body = entries if former is None else (former[_HEADER.size + 1 : -1], *entries)
    return b"%b[%b]" % (_HEADER.pack(ROW_VERSION, *header), b",".join(body))
