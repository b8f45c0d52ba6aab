"""`flowgauge dead-letters`: which letters are shown and sent, the confirmation, and its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from stream.cli import dead_letters
from stream.cli.dead_letters import DeadLetter, describe, joined, split_headers
from stream.settings import Settings
from tests.cli.command import NO_KAFKA, Done, flowgauge
from tests.contract.documents import example

WHY = {key: value for key, value in example("dead-letter.valid").items() if key.startswith("flow_")}
BATCH = example("dead-letter.valid-batch")
FILE = {key: value for key, value in example("dead-letter.valid-file").items() if key.startswith("flow_")}


def letter(
    value: bytes | None = b"{}",
    key: bytes | None = b"1",
    headers: tuple[tuple[str, bytes | None], ...] = (),
    why: dict[str, str] | None = None,
    offset: int = 7,
) -> DeadLetter:
    return DeadLetter(0, offset, key, value, headers, WHY if why is None else why)


LETTERS = (
    letter(offset=1),
    letter(offset=2, why=FILE),
    letter(offset=3, why={**WHY, "flow_reason": "too_large"}),
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Three dead letters instead of Kafka's; returns the places of those that were sent again."""
    found: list[tuple[int, int]] = []

    def read(_: Settings) -> Iterator[DeadLetter]:
        yield from LETTERS

    def redrive(_: Settings, places: set[tuple[int, int]]) -> int:
        found.extend(sorted(places))
        return len(places)

    monkeypatch.setattr(dead_letters, "read", read)
    monkeypatch.setattr(dead_letters, "redrive", redrive)
    return found


def run(*arguments: object, answers: str = "") -> Done:
    return flowgauge("dead-letters", *arguments, answers=answers)


# Headers and JSON


def test_added_headers_are_parted_from_the_records_own() -> None:
    added = [(name, text.encode()) for name, text in WHY.items()]
    own = [("ce_id", b"1"), ("trace", b"\xff"), ("ce_id", b"2"), ("empty", None)]
    assert split_headers([*own, *added]) == (own, WHY)


def test_of_two_headers_with_one_name_the_last_was_added() -> None:
    added = [(name, text.encode()) for name, text in WHY.items()]
    own = [("flow_reason", b"the producer's own word")]
    assert split_headers([*own, *added]) == (own, WHY)


def test_a_record_of_a_topic_can_be_sent_again() -> None:
    assert letter().obstacle is None
    assert letter(value=None).obstacle is None
    assert letter(key=None).obstacle is None


def test_what_cannot_be_sent_again_says_why() -> None:
    assert "import it again" in str(letter(why=FILE).obstacle)
    assert "source topic" in str(letter(why={}).obstacle)
    assert "source topic" in str(letter(why={**WHY, "flow_topic": "no topic!"}).obstacle)
    assert "neither key nor value" in str(letter(key=None, value=None).obstacle)
    assert "header" in str(letter(headers=(("empty", None),)).obstacle)


def test_describe() -> None:
    shown = describe(letter(value=b"\xff\x1b[31m" + b"x" * 100))
    assert shown == {
        "partition": 0,
        "offset": 7,
        "reason": "bad_time",
        "detail": WHY["flow_detail"],
        "source": {"topic": "flow.events", "partition": 3, "offset": 1048576},
        "arrival": "2026-11-22T10:15:01.042Z",
        "key": "1",
        "size": 105 + 1,
        "missing_parts": 0,
        "batch": None,
        "first_bytes": "\\xff\x1b[31m" + "x" * 58,
    }
    assert "\x1b" not in json.dumps(shown)


def test_a_whole_batch_says_what_it_is_and_is_not_sent_again() -> None:
    batch = letter(value=b"\0", key=None, why=BATCH)
    assert "smaller batches" in str(batch.obstacle)
    assert describe(batch)["batch"] == {"records": 4096, "last_offset": 1052671, "codec": "zstd"}
    assert describe(batch)["source"] == {"topic": "flow.events", "partition": 3, "offset": 1048576}
    # A record that has such a header of its own is not a batch.
    assert letter(why={**WHY, "flow_batch_codec": "zstd"}).batch is None


def part(number: int, value: bytes, name: str = "a", parts: int = 3, offset: int = 0) -> DeadLetter:
    headers = {"flow_parts_id": name, "flow_part": str(number), "flow_parts": str(parts)}
    return DeadLetter(0, offset, b"1", value, (), {**WHY, **headers})


def test_the_parts_of_a_record_are_one_letter_whatever_stands_between_them() -> None:
    many = [
        part(1, b"one ", offset=4),
        part(1, b"x", "b", 2, offset=5),
        letter(),
        part(2, b"two ", offset=6),
        # A record that was kept again after a crash has parts of its own.
        part(2, b"y", "b", 2, offset=7),
        part(3, b"three", offset=8),
    ]
    found = list(joined(many))
    assert [(one.offset, one.value, one.missing) for one in found] == [
        (7, b"{}", 0),
        (5, b"xy", 0),
        (4, b"one two three", 0),
    ]
    assert [one.obstacle for one in found][1:] == ["kept in parts: larger than any event may be"] * 2


def test_a_record_of_which_parts_are_missing_says_so() -> None:
    [found] = joined([part(2, b"two "), part(3, b"three")])
    assert (found.value, found.missing) == (b"two three", 1)
    assert "missing parts" in str(found.obstacle)
    assert describe(found)["missing_parts"] == 1
    # A header that only looks like one of ours is the record's own.
    odd = letter(why={**WHY, "flow_parts_id": "a", "flow_part": "one", "flow_parts": "2"})
    assert list(joined([odd])) == [odd]


def test_describe_a_row_of_a_file_and_a_tombstone() -> None:
    assert describe(letter(why=FILE))["source"] == {"file": "changes.csv", "line": 17}
    assert describe(letter(value=None))["size"] is None


# list


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    ("options", "offsets"),
    [
        ([], [1, 2, 3]),
        (["--reason", "too_large"], [3]),
        (["--offset", "1", "--offset", "3"], [1, 3]),
        (["--reason", "too_large", "--offset", "1"], []),
        (["--limit", "2"], [2, 3]),
    ],
)
def test_json_is_one_object_a_line(options: Sequence[str], offsets: list[int]) -> None:
    done = run("list", "--json", *options)
    assert (done.status, done.err) == (0, "")
    assert [json.loads(line)["offset"] for line in done.out.splitlines()] == offsets


@pytest.mark.usefixtures("sent")
def test_the_table_has_a_row_each() -> None:
    done = run("list")
    assert (done.status, done.err) == (0, "")
    for shown in ("bad_time", "too_large", "changes.csv 17"):
        assert shown in done.out


@pytest.mark.usefixtures("sent")
def test_the_table_says_how_many_are_left_out() -> None:
    assert run("list", "--limit", "1").out.splitlines()[-1].startswith("3 dead letters: the newest 1 are shown")


# redrive


def test_redrive_asks_first(sent: list[tuple[int, int]]) -> None:
    done = run("redrive", answers="y\n")
    assert (done.status, sent) == (0, [(0, 1), (0, 3)])
    assert done.out.strip() == "sent 2, skipped 1"
    assert "skipping 1 from a file" in done.err
    assert "Send 2 dead letters to their topic again?" in done.err


@pytest.mark.parametrize("answers", ["n\n", ""])
def test_redrive_sends_nothing_without_a_yes(sent: list[tuple[int, int]], answers: str) -> None:
    done = run("redrive", answers=answers)
    assert (done.status, done.out.strip(), sent) == (1, "", [])
    assert done.err.endswith("Aborted!\n")


def test_redrive_as_json(sent: list[tuple[int, int]]) -> None:
    done = run("redrive", "--yes", "--json", "--reason", "too_large")
    assert done.json == {"sent": 1, "skipped": 0}
    assert sent == [(0, 3)]


def test_redrive_of_nothing_asks_nothing(sent: list[tuple[int, int]]) -> None:
    assert run("redrive", "--json", "--offset", "99").json == {"sent": 0, "skipped": 0}
    assert sent == []


# Wrong use and errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Commands: list Show dead letters"),
        (["drop"], "No such command 'drop'."),
        (["list", "--reason", "ugly"], "'ugly' is not one of"),
        (["list", "--offset", "-1"], "Invalid value for '--offset'"),
        (["list", "--limit", "0"], "Invalid value for '--limit'"),
        (["redrive", "--limit", "1"], "No such option: --limit"),
        (["list", "all"], "unexpected extra argument"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in run(*arguments).wrong_use


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["redrive", "--yes"]])
def test_no_kafka(arguments: list[str]) -> None:
    refusal = run("--brokers", NO_KAFKA, *arguments).refusal
    assert refusal.startswith(f"Kafka at '{NO_KAFKA}' does not answer")
