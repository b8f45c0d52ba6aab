"""A refused record as a dead letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stream.events.rejection import Reason, Rejection
from stream.items.tracker import Refusal
from stream.worker.letters import MAX_DETAIL, dead_letter

EVENTS = ("flow.events", 3)
SCHEMA = Path(__file__).parents[2] / "schemas" / "dead-letter.schema.json"


class Record(NamedTuple):
    """A record as a Kafka client gives it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    offset: int = 8812
    timestamp: int = 1_795_342_500_250


def test_bytes_stay_as_they_are_and_the_reason_stands_in_headers_after_its_own() -> None:
    record = Record(b"\xff", b"{\x00", [("ce_id", b"7"), ("trace", b"\xfe")])
    letter = dead_letter(Refusal(record, Rejection(Reason.NOT_JSON, "“{”: send JSON")), *EVENTS)
    assert (letter.key, letter.value, letter.timestamp) == (b"\xff", b"{\x00", None)
    assert list(letter.headers) == [
        ("ce_id", b"7"),
        ("trace", b"\xfe"),
        ("flow_reason", b"not_json"),
        ("flow_detail", "“{”: send JSON".encode()),
        ("flow_topic", b"flow.events"),
        ("flow_partition", b"3"),
        ("flow_offset", b"8812"),
        ("flow_arrival", b"2026-11-22T10:15:00.250Z"),
    ]


def test_the_headers_meet_the_published_schema() -> None:
    letter = dead_letter(Refusal(Record(None, None), Rejection(Reason.TOMBSTONE, "the record has no value")), *EVENTS)
    headers = {name: value.decode() for name, value in letter.headers}
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(headers)
    assert (letter.key, letter.value) == (None, None)


def test_a_long_detail_is_cut() -> None:
    letter = dead_letter(Refusal(Record(b"1", b""), Rejection(Reason.BAD_FIELD, "é" * 5_000)), *EVENTS)
    assert dict(letter.headers)["flow_detail"].decode() == "é" * MAX_DETAIL
