"""How a dead letter is read: which headers are its own, whether it can be sent again, how it is shown."""

from __future__ import annotations

import json

from stream.cli.dead_letters import HEADERS, DeadLetter, describe, split_headers
from tests.contract.documents import example, schema

WHY = {key: value for key, value in example("dead-letter.valid").items() if key.startswith("flow_")}
BATCH = example("dead-letter.valid-batch")
FILE = {key: value for key, value in example("dead-letter.valid-file").items() if key.startswith("flow_")}


def _letter(
    value: bytes | None = b"{}",
    key: bytes | None = b"1",
    headers: tuple[tuple[str, bytes | None], ...] = (),
    why: dict[str, str] | None = None,
) -> DeadLetter:
    return DeadLetter(0, 7, key, value, headers, WHY if why is None else why)


def test_headers_are_those_of_the_schema() -> None:
    assert set(schema("dead-letter")["properties"]) == HEADERS


def test_added_headers_are_parted_from_the_records_own() -> None:
    added = [(name, text.encode()) for name, text in WHY.items()]
    own = [("ce_id", b"1"), ("trace", b"\xff"), ("ce_id", b"2"), ("empty", None)]
    assert split_headers([*own, *added]) == (own, WHY)


def test_of_two_headers_with_one_name_the_last_was_added() -> None:
    added = [(name, text.encode()) for name, text in WHY.items()]
    own = [("flow_reason", b"the producer's own word")]
    assert split_headers([*own, *added]) == (own, WHY)


def test_a_record_of_a_topic_can_be_sent_again() -> None:
    assert _letter().obstacle is None
    assert _letter(value=None).obstacle is None
    assert _letter(key=None).obstacle is None


def test_what_cannot_be_sent_again_says_why() -> None:
    assert "import it again" in str(_letter(why=FILE).obstacle)
    assert "source topic" in str(_letter(why={}).obstacle)
    assert "source topic" in str(_letter(why={**WHY, "flow_topic": "no topic!"}).obstacle)
    assert "neither key nor value" in str(_letter(key=None, value=None).obstacle)
    assert "header" in str(_letter(headers=(("empty", None),)).obstacle)


def test_describe() -> None:
    shown = describe(_letter(value=b"\xff\x1b[31m" + b"x" * 100))
    assert shown == {
        "partition": 0,
        "offset": 7,
        "reason": "bad_time",
        "detail": WHY["flow_detail"],
        "source": {"topic": "flow.events", "partition": 3, "offset": 1048576},
        "arrival": "2026-11-22T10:15:01.042Z",
        "key": "1",
        "size": 105 + 1,
        "batch": None,
        "first_bytes": "\\xff\x1b[31m" + "x" * 58,
    }
    assert "\x1b" not in json.dumps(shown)


def test_a_whole_batch_says_what_it_is_and_is_not_sent_again() -> None:
    letter = _letter(value=b"\0", key=None, why=BATCH)
    assert "smaller batches" in str(letter.obstacle)
    assert describe(letter)["batch"] == {"records": 4096, "last_offset": 1052671, "codec": "zstd"}
    assert describe(letter)["source"] == {"topic": "flow.events", "partition": 3, "offset": 1048576}
    # A record that has such a header of its own is no batch.
    assert _letter(why={**WHY, "flow_batch_codec": "zstd"}).batch is None


def test_describe_a_row_of_a_file_and_a_tombstone() -> None:
    assert describe(_letter(why=FILE))["source"] == {"file": "changes.csv", "line": 17}
    assert describe(_letter(value=None))["size"] is None
