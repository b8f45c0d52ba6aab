from __future__ import annotations

import csv
import errno
import gzip
import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.errors import InputError
from stream.events import log
from stream.events.decode import decode
from stream.events.encode import encode, key_of
from stream.events.event import Event, EventType
from stream.events.limits import MAX_EVENT_BYTES
from stream.events.log import ColumnMap, LogRow, read_log
from stream.events.rejection import Reason
from stream.events.time import parse_time
from tests.events.strategies import ARRIVAL, events
from tests.oracle.logs import Log

TIME = "2026-11-22T10:15:00Z"
HEADER = b"item,time,state\n"
ROW = b"10042,2026-11-22T10:15:00Z,In Progress\n"
SHARES_FOLDER = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def rows_of(path: Path, *mapping: str) -> list[LogRow]:
    return list(read_log(path, ColumnMap.parse(mapping), "import", ARRIVAL))


def read(folder: Path, content: bytes, *mapping: str, name: str = "log.csv") -> list[LogRow]:
    path = folder / name
    path.write_bytes(content)
    return rows_of(path, *mapping)


def taken(rows: list[LogRow]) -> list[Event]:
    assert [row.rejection for row in rows if row.rejection] == []
    return [row.event for row in rows if row.event]


def refused(rows: list[LogRow]) -> list[tuple[int, bytes, Reason]]:
    return [(row.line, row.raw, row.rejection.reason) for row in rows if row.rejection]


def test_csv_rows_become_changes(tmp_path: Path) -> None:
    content = b"item,time,state,team,title,component\n 10042 ,2026-11-22T12:15:00+02:00,Done, ,Fix it,cards\n"
    [row] = read(tmp_path, content)
    event = row.event
    assert event is not None
    assert (row.line, row.raw, row.rejection) == (2, content.splitlines()[1], None)
    assert (event.source, event.sequence, event.type) == ("import", "000000000001", EventType.CHANGED)
    assert (event.item, event.time) == ("10042", parse_time(TIME))
    assert event.changes == {"state": "Done", "component": "cards"}
    assert decode(key_of(event), encode(event), [], ARRIVAL) == event


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        *(("blocked", cell, True) for cell in ("true", "TRUE", "1", "Yes")),
        *(("blocked", cell, False) for cell in ("false", "0", "no")),
        ("points", "5", 5),
        ("points", "0.5", 0.5),
        ("labels", '"a;b, c;;"', ["a", "b", "c"]),
        ("state", "1", "1"),
        ("component", "true", "true"),
    ],
)
def test_cells_have_their_fields_type(tmp_path: Path, field: str, cell: str, value: object) -> None:
    [event] = taken(read(tmp_path, f"item,time,{field}\n1,{TIME},{cell}\n".encode()))
    assert event.changes == {field: value}
    assert type(event.changes[field]) is type(value)


@pytest.mark.parametrize(
    ("field", "cell"),
    [("blocked", "maybe"), ("points", "2,5"), ("points", "nan"), ("points", "1e400"), ("points", "9" * 16)],
)
def test_cells_that_do_not_fit_are_refused(tmp_path: Path, field: str, cell: str) -> None:
    [row] = read(tmp_path, f'item,time,{field}\n1,{TIME},"{cell}"\n'.encode())
    assert row.rejection is not None
    assert row.rejection.reason is Reason.BAD_FIELD
    assert f"{field} is {cell!r}" in row.rejection.detail
    assert row.rejection.source == "import"


def test_an_objective_in_csv(tmp_path: Path) -> None:
    header = "type,item,objective,time,committed,planned_value,actual_value"
    content = f"{header}\nflow.objective.changed,-,PI-7,{TIME},yes,8,2.5\n"
    [event] = taken(read(tmp_path, content.encode()))
    assert (event.type, event.item) == (EventType.OBJECTIVE, "PI-7")
    assert event.changes == {"committed": True, "planned_value": 8, "actual_value": 2.5}


def test_columns_may_give_the_events_own_attributes(tmp_path: Path) -> None:
    content = f"item,time,source,type,id,sequence\n1,{TIME},jira,flow.item.deleted,e1,7\n1,{TIME},,,,\n"
    given_by_row, by_default = taken(read(tmp_path, content.encode()))
    assert (given_by_row.source, given_by_row.type) == ("jira", EventType.DELETED)
    assert (given_by_row.id, given_by_row.sequence) == ("e1", "7")
    assert (by_default.source, by_default.type) == ("import", EventType.CHANGED)
    assert (len(by_default.id), by_default.sequence) == (32, "000000000002")


def test_mapped_and_joined_columns(tmp_path: Path) -> None:
    content = f"Issue key,when,status,sub,\nPAY-1,{TIME},Accepted,Wait,x\nPAY-1,{TIME},Queued,,\n"
    mapping = ("Issue key=item", "when = time", "status+sub=state")
    first, second = taken(read(tmp_path, content.encode(), *mapping))
    assert (first.item, first.changes) == ("PAY-1", {"state": "Accepted/Wait"})
    assert second.changes == {"state": "Queued"}


@pytest.mark.parametrize("text", ["status", "=state", "status=", "a+=state", "", "+", " = "])
def test_a_mapping_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError, match="COLUMN=FIELD"):
        ColumnMap.parse([text])


@pytest.mark.parametrize(
    ("header", "mapping", "why"),
    [
        ("item,state", (), "no column gives the field 'time': .*'item', 'state': .*--map COLUMN=time"),
        ("id;time", (), "no column gives the field 'item', 'time': .*'id;time'"),
        ("item,time", ("status=state",), "no column 'status', .*mapped to 'state': .*'item', 'time'"),
        ("item,time", ("item=key",), "no column gives the field 'item'"),
        ("item,time,a,a", (), "two columns are named 'a'"),
        ("item,time,a,state", ("a=state",), "two columns give the field 'state'"),
        (",".join(f"c{n}" for n in range(40)), (), "'c29' and 10 more"),
        (",".join(f"c{n}" for n in range(30)), (), "'c29': say which"),
        ('item,"time', (), "header cannot be read: .*never closed"),
        ("item,time\udcff", (), "header cannot be read: .*not UTF-8 at its byte 10"),
        ("i\0t\0", (), "header cannot be read: .*NUL"),
        ("", (), "is empty"),
        ("\n\r\n", (), "is empty"),
    ],
)
def test_a_header_that_cannot_be_used(tmp_path: Path, header: str, mapping: list[str], why: str) -> None:
    content = header.encode(errors="surrogateescape") + b"\n"
    with pytest.raises(InputError, match=f"^'.*log.csv'.*{why}"):
        read(tmp_path, content, *mapping)


def test_an_empty_csv(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read(tmp_path, b"")
    assert read(tmp_path, HEADER) == []
    assert read(tmp_path, b"", name="log.jsonl") == []


@pytest.mark.parametrize(
    ("bad", "reason", "why"),
    [
        (b"10042,2026-11-22T10:15:00Z", Reason.NOT_AN_EVENT, "has 2 cells, but the header has 3"),
        (b"1,2026-11-22T10:15:00Z,a,b", Reason.NOT_AN_EVENT, "has 4 cells"),
        (b"1,2026-11-22,a", Reason.BAD_TIME, "'2026-11-22' cannot be read"),
        (b"1,,a", Reason.BAD_TIME, "time is missing"),
        (b",2026-11-22T10:15:00Z,a", Reason.BAD_FIELD, "item is missing"),
        (b"1,2036-11-22T10:15:00Z,a", Reason.IN_THE_FUTURE, "30 days"),
        (b"1,2026-11-22T10:15:00Z,\xe4", Reason.NOT_AN_EVENT, "not UTF-8 at its byte 24"),
        (b"1,2026-11-22T10:15:00Z,a\0", Reason.NOT_AN_EVENT, "NUL"),
        (b'1,2026-11-22T10:15:00Z,"a', Reason.NOT_AN_EVENT, "never closed"),
        (b'1,"2026-11-22T10:15:00Z"a,b', Reason.NOT_AN_EVENT, "text after a closing quote"),
        (b"1,2026-11-22T10:15:00Z,a\rb", Reason.NOT_AN_EVENT, "carriage return"),
        (b"1,2026-11-22T10:15:00Z," + b"a" * 200_000, Reason.NOT_AN_EVENT, "more than 131,072"),
        (b"1," * MAX_EVENT_BYTES, Reason.TOO_LARGE, "2,097,152 bytes"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_bad_row_is_refused_and_the_rest_read_on(
    tmp_path: Path, bad: bytes, reason: Reason, why: str, end: bytes
) -> None:
    lines = [HEADER.strip(), ROW.strip(), bad, ROW.strip(), bad, b"", ROW.strip()]
    rows = read(tmp_path, end.join(lines) + end)
    assert refused(rows) == [(3, bad, reason), (5, bad, reason)]
    assert [row.line for row in rows if row.event] == [2, 4, 7]
    assert [row.raw for row in rows if row.event] == [ROW.strip()] * 3
    details = [row.rejection.detail for row in rows if row.rejection]
    assert all(why in detail and detail.isprintable() and len(detail) < 400 for detail in details)


def test_a_quote_never_closed_refuses_one_line_also_at_the_end(tmp_path: Path) -> None:
    open_quote = b'1,2026-11-22T10:15:00Z,"a'
    quoted_row = b'2,2026-11-22T10:15:00Z,"quoted ""b"""'
    rows = read(tmp_path, b"\n".join([HEADER.strip(), open_quote, quoted_row, ROW.strip(), open_quote]))
    assert refused(rows) == [(2, open_quote, Reason.NOT_AN_EVENT), (5, open_quote, Reason.NOT_AN_EVENT)]
    assert [row.event.changes["state"] for row in rows if row.event] == ['quoted "b"', "In Progress"]


@pytest.mark.parametrize("line", [b"x\n", b'","' + b"x" * 100_000 + b"\n"])
def test_a_quote_never_closed_is_not_looked_for_through_the_whole_file(tmp_path: Path, line: bytes) -> None:
    open_quote = b'1,2026-11-22T10:15:00Z,"a'
    path = tmp_path / "log.csv"
    path.write_bytes(HEADER + open_quote + b"\n" + line * (4_000_000 // len(line)) + b'"\n' + ROW)
    row = next(read_log(path, ColumnMap(), "import", ARRIVAL))
    assert refused([row]) == [(2, open_quote, Reason.NOT_AN_EVENT)]
    assert row.position < 100_000 + 20 * len(line)


def test_a_refused_row_keeps_its_source_where_it_can_be_known(tmp_path: Path) -> None:
    rows = read(tmp_path, b"item,time,source\n1,never,jira\n1,never,\n1,never\n")
    assert [row.rejection.source for row in rows if row.rejection] == ["jira", "import", "import"]


def test_line_numbers_with_quoted_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    quoted_row = b'1,2026-11-22T10:15:00Z,"two\r\n\r\nlines"'
    too_few = b'1,"two\nlines"'
    content = b"\xef\xbb\xbf" + HEADER + quoted_row + b"\n\n" + too_few + b"\n" + ROW
    rows = read(tmp_path, content)
    assert [row.line for row in rows] == [2, 6, 8]
    assert [row.raw for row in rows] == [quoted_row, too_few, ROW.strip()]
    assert refused(rows) == [(6, too_few, Reason.NOT_AN_EVENT)]


def test_the_same_content_has_the_same_id_and_other_content_another(tmp_path: Path) -> None:
    header = "item,time,state,source,type,points,team\n"
    base = f"1,{TIME},Done,a,,5,Cards\n"
    others = [
        f"2,{TIME},Done,a,,5,Cards\n",
        "1,2026-11-22T10:15:01Z,Done,a,,5,Cards\n",
        f"1,{TIME},Closed,a,,5,Cards\n",
        f"1,{TIME},Done,b,,5,Cards\n",
        f"1,{TIME},Done,a,flow.item.deleted,5,Cards\n",
        f"1,{TIME},Done,a,,6,Cards\n",
        f"1,{TIME},Done,a,,,Cards\n",
        f"1,{TIME},Cards,a,,5,Done\n",
    ]
    same = ["1,2026-11-22T12:15:00+0200,Done,a,flow.item.changed,5,Cards\n", f"1 ,{TIME},Done,a,,5,Cards\n"]
    ids = [event.id for event in taken(read(tmp_path, (header + base + "".join(same + others)).encode()))]
    assert len(set(ids[:3])) == 1
    assert len(set(ids)) == 1 + len(others)
    reordered = f"team,points,state,item,source,time,title\nCards,5,Done,1,a,{TIME},x\n"
    assert taken(read(tmp_path, reordered.encode()))[0].id == ids[0]
    assert len({event.id for event in taken(read(tmp_path, HEADER + ROW + ROW))}) == 1


def written(cells: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["item", "time", "state"], *cells])
    return out.getvalue().encode()


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@SHARES_FOLDER
@given(st.lists(CELLS, max_size=20))
def test_whatever_a_csv_writer_quotes_is_read_as_it_was(tmp_path: Path, states: list[str]) -> None:
    rows = read(tmp_path, written([[str(number), TIME, state] for number, state in enumerate(states)]))
    events_read = taken(rows)
    expected = [{"state": state.strip()} if state.strip() else {} for state in states]
    assert [event.changes for event in events_read] == expected
    assert [event.item for event in events_read] == [str(number) for number in range(len(states))]


@SHARES_FOLDER
@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl"]))
def test_of_any_bytes_none_is_lost(tmp_path: Path, garbage: bytes, kind: str) -> None:
    first = HEADER if kind == "csv" else b"{}\n"
    content = first + garbage + b"\n" + ROW
    rows = read(tmp_path, content, name=f"log.{kind}")
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all((row.event is None) != (row.rejection is None) for row in rows)
    read_bytes = b"".join([HEADER if kind == "csv" else b"", *(row.raw for row in rows)])
    assert b"".join(read_bytes.split()) == b"".join(content.split())


@SHARES_FOLDER
@given(st.lists(events(), max_size=5), st.sampled_from([b"\n", b"\r\n"]))
def test_json_lines_hold_events(tmp_path: Path, held: list[Event], end: bytes) -> None:
    content = b"".join(encode(event) + end for event in held)
    assert taken(read(tmp_path, content, name="log.ndjson")) == held


def test_bad_json_lines_are_refused_and_the_rest_read_on(tmp_path: Path) -> None:
    [event] = taken(read(tmp_path, HEADER + ROW))
    good = encode(event)
    too_large = b"x" * (MAX_EVENT_BYTES + 1)
    lines = [b"\xef\xbb\xbf" + good, b"", b"{", b"[1]", b"\xff", good, too_large, b"  ", good]
    rows = read(tmp_path, b"\n".join(lines), name="LOG.JSONL")
    assert [row.line for row in rows if row.event] == [1, 6, 9]
    assert refused(rows) == [
        (3, b"{", Reason.NOT_JSON),
        (4, b"[1]", Reason.NOT_AN_EVENT),
        (5, b"\xff", Reason.NOT_JSON),
        (7, too_large, Reason.TOO_LARGE),
    ]


@pytest.mark.parametrize("name", ["log.json", "log.ndjson", "log", "log.txt"])
def test_json_lines_by_name_or_by_the_first_byte(tmp_path: Path, name: str) -> None:
    [event] = taken(read(tmp_path, HEADER + ROW))
    assert taken(read(tmp_path, b" " + encode(event), name=name)) == [event]
    packed = gzip.compress(encode(event))
    assert taken(read(tmp_path, packed, name=f"{name}.gz")) == [event]
    assert taken(read(tmp_path, packed, name=name)) == [event]


def test_csv_where_no_name_says_so(tmp_path: Path) -> None:
    assert len(taken(read(tmp_path, HEADER + ROW, name="log"))) == 1
    assert len(taken(read(tmp_path, gzip.compress(HEADER + ROW), name="log.csv.gz"))) == 1


def test_json_that_is_not_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds a JSON array: write one event a line"):
        read(tmp_path, b"[{}]", name="log.json")
    with pytest.raises(InputError, match="leave --map out"):
        read(tmp_path, b"{}", "a=item", name="log.json")


def noise(rows: int) -> bytes:
    numbers = random.Random(7)
    return b"".join(b"%d,2026-11-22T10:15:00Z,%x\n" % (n, numbers.getrandbits(256)) for n in range(rows))


def test_a_truncated_or_damaged_gzip_file_says_where(tmp_path: Path) -> None:
    packed = gzip.compress(HEADER + noise(9_000))
    path = tmp_path / "log.csv.gz"
    for damaged in (packed[: len(packed) // 2], packed[:200_000] + b"\0" * 99 + packed[200_099:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"after line \d,\d{3}: the gzip file is damaged"):
            rows_of(path)
    for broken in (b"item,time\n", packed[:8], packed + b"garbage"):
        with pytest.raises(InputError, match="damaged"):
            read(tmp_path, broken, name="log.csv.gz")


def test_rows_before_the_damage_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(HEADER + noise(9_000))[:300_000])
    read_so_far = 0
    with pytest.raises(InputError, match=r"after line \d,\d{3}"):
        for row in read_log(path, ColumnMap(), "import", ARRIVAL):
            read_so_far += row.event is not None
    assert read_so_far > 1_000


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(InputError, match=rf"^'{path}' cannot be opened: .*: check the path"):
            rows_of(path)


def test_a_disk_that_fails_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingDisk(io.BytesIO):
        def readline(self, _size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(log, "_unpacked", lambda _raw: FailingDisk())
    with pytest.raises(InputError, match="cannot be read after line 0: Input/output error: check the disk"):
        read(tmp_path, HEADER)


def test_an_endless_line_is_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_LINE_BYTES", 2 << 20)
    with pytest.raises(InputError, match="after line 2: a line is longer than 2 MiB"):
        read(tmp_path, HEADER + ROW + b"x" * (2 << 20) + b"\n")


def test_the_position_goes_through_the_file(tmp_path: Path) -> None:
    packed = gzip.compress(HEADER + noise(20_000))
    positions = [row.position for row in read(tmp_path, packed, name="log.csv.gz")]
    assert positions == sorted(positions)
    assert 0 < positions[0] < len(packed) / 4
    assert positions[-1] == len(packed)


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(HEADER + noise(20_000))
    rows = read_log(path, ColumnMap(), "import", ARRIVAL)
    assert next(rows).position < path.stat().st_size / 4
    rows.close()  # type: ignore[attr-defined]


def test_a_whole_log(whole_log: Log) -> None:
    mapping = [f"{columns}={field}" for columns, field in whole_log.mapping.items()]
    rows = rows_of(whole_log.path, *mapping)
    read_events = taken(rows)
    assert len(read_events) == 6_660
    assert len({event.item for event in read_events}) == 1_487
    assert len({event.id for event in read_events}) == 6_660
    assert [event.changes for event in read_events] == [_changes(event) for event in whole_log.events]
    assert [row.line for row in rows] == list(range(2, 6_662))
    assert [event.id for event in taken(rows_of(whole_log.path, *mapping))] == [event.id for event in read_events]


def _changes(event: dict[str, dict[str, object]]) -> dict[str, object]:
    return {field: value for field, value in event["data"].items() if field != "item"}
