"""A refused record as a dead letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stream.cli.dead_letters import DeadLetter, joined, split_headers
from stream.events.rejection import Reason, Rejection
from stream.items.outcome import Refusal
from stream.worker import letters
from stream.worker.letters import MAX_DETAIL, dead_letter, dead_letters

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


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MAX_LETTER_BYTES", 100)
    monkeypatch.setattr(letters, "PART_BYTES", 40)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("value", [None, b"", b"x" * 100, b"x" * 5_000])
def test_what_fits_when_it_is_compressed_is_one_letter(value: bytes | None) -> None:
    refusal = Refusal(Record(b"1", value), Rejection(Reason.TOO_LARGE, "large"))
    assert dead_letters(refusal, *EVENTS) == [dead_letter(refusal, *EVENTS)]


@pytest.mark.usefixtures("small")
def test_what_fits_no_letter_is_kept_in_parts_that_make_it_up() -> None:
    value = bytes(number * 151 % 256 ^ number // 256 * 37 for number in range(330))
    record = Record(b"1", value, [("trace", b"\xfe")])
    parts = dead_letters(Refusal(record, Rejection(Reason.TOO_LARGE, "large")), *EVENTS)
    assert [len(part.value or b"") for part in parts] == [40] * 8 + [10]
    read = []
    for offset, part in enumerate(parts):
        own, why = split_headers(list(part.headers))
        assert own == [("trace", b"\xfe")]
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(why)
        read.append(DeadLetter(0, offset, part.key, part.value, own, why))
    [whole] = joined(read)
    assert (whole.key, whole.value, whole.missing) == (b"1", value, 0)
