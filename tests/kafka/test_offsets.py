"""The metadata that is committed with an offset: bounded, and readable by every worker."""

from __future__ import annotations

import pytest

from stream.kafka.offsets import MAX_METADATA_BYTES, Committed, read_metadata, write_metadata


def test_what_is_written_is_read() -> None:
    newest = {"jira/acme": -5, "é": 7}
    assert read_metadata(3, write_metadata("derived", 9, newest, 4)) == Committed(3, "derived", 9, newest, 7, 4)
    assert read_metadata(0, write_metadata("derived", 0, {}, 0)) == Committed(0, "derived", 0, {}, 0, 0)
    assert read_metadata(0, write_metadata("derived", 5, {}, 0, due=6)) == Committed(0, "derived", 5, {}, 0, 0, due=6)


@pytest.mark.parametrize("letter", ["s", "é", "\U0001f600", '"'])
def test_the_text_is_bounded_and_keeps_the_newest_sources_and_the_newest_time(letter: str) -> None:
    newest = {f"{letter * 250}{number:03}": 1_700_000_000_000_000 + number for number in range(400)}
    text = write_metadata("0123456789abcdef", 2**62, newest, 10_000)
    assert len(text.encode()) <= MAX_METADATA_BYTES == 3_500
    read = read_metadata(5, text)
    assert (read.derivation, read.as_of) == ("0123456789abcdef", 2**62)
    assert read.newest_event == max(newest.values())
    kept = sorted(newest.items(), key=lambda row: -row[1])[: len(read.newest)]
    assert kept
    assert dict(read.newest) == dict(kept)


def test_equal_facts_are_equal_text_whatever_came_first() -> None:
    assert write_metadata("d", 1, {"b": 5, "a": 5}, 4) == write_metadata("d", 1, {"a": 5, "b": 5}, 4)


@pytest.mark.parametrize("text", ["", "an operator reset this", "5", "null", "[]", '"x"', "{}", '{"c": "d"}'])
def test_a_commit_of_somebody_else_gives_only_the_offset(text: str) -> None:
    assert read_metadata(42, text) == Committed(42)


def test_a_commit_of_an_older_version_does_not_say_where_rows_belong() -> None:
    assert read_metadata(3, '{"c":"derived","a":9,"m":7,"n":{"jira":7}}') == Committed(3, "derived", 9, {"jira": 7}, 7)
