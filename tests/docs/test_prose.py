"""Documents, docstrings and comments are in plain words, short sentences and short lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.documents import REPOSITORY, every_document
from tests.docs.prose import MAX_COLUMNS, MAX_WORDS, count, lines, poor_words, remarks, sentences, too_long

MAX_ARCHITECTURE = 1_200


SOURCES = ("benchmarks", "deploy", "docs", "stream", "tests")
MODULES = sorted(path.relative_to(REPOSITORY) for folder in SOURCES for path in (REPOSITORY / folder).rglob("*.py"))

each_document = pytest.mark.parametrize("path", every_document(), ids=str)
each_module = pytest.mark.parametrize("path", MODULES, ids=str)


def _text(path: Path) -> str:
    return (REPOSITORY / path).read_text("utf-8")


@each_document
def test_lines_are_short(path: Path) -> None:
    found = [f"{path}:{line.number}: {len(line.text)} characters" for line in too_long(_text(path))]
    assert not found, "\n".join([f"break these lines at {MAX_COLUMNS} characters:", *found])


@each_document
def test_sentences_are_short(path: Path) -> None:
    found = [
        f"{path}:{sentence.number}: {sentence.words} words: {sentence.text}"
        for sentence in sentences(_text(path))
        if sentence.words > MAX_WORDS
    ]
    assert not found, "\n".join([f"make two sentences, of at most {MAX_WORDS} words:", *found])


@each_document
def test_words_are_plain(path: Path) -> None:
    found = [
        f"{path}:{line.number}: {word!r}: write {better}"
        for line in lines(_text(path))
        if line.kind != "code"
        for word, better in poor_words(line.text)
    ]
    assert not found, "\n".join(["there are plainer words:", *found])


@each_module
def test_words_of_docstrings_and_comments_are_plain(path: Path) -> None:
    found = [
        f"{path}:{number}: {word!r}: write {better}"
        for number, line in remarks(_text(path))
        for word, better in poor_words(line)
    ]
    assert not found, "\n".join(["there are plainer words:", *found])


def test_the_architecture_is_short() -> None:
    path = Path("ARCHITECTURE.md")
    prose = (line.text for line in lines(_text(path)) if line.kind not in {"code", "filled"})
    assert sum(map(count, prose)) <= MAX_ARCHITECTURE


# The checks themselves.

LONG = " ".join(["word"] * 30)


def _counts(document: str) -> list[int]:
    return [sentence.words for sentence in sentences(document)]


def test_a_sentence_of_31_words_is_found_over_several_lines() -> None:
    assert _counts(f"One\n{LONG}.\n") == [31]
    assert _counts(f"{LONG}. {LONG}.") == [30, 30]


@pytest.mark.parametrize(
    "document",
    [f"| {LONG} | {LONG} |", f"```text\n{LONG} {LONG}\n```", f"# {LONG} {LONG}"]
    + [f"<!-- {kind}: x -->\n\n{LONG} {LONG}\n\n<!-- end -->" for kind in ("generated", "bench")],
)
def test_a_table_a_block_a_heading_or_a_filled_part_has_no_sentence(document: str) -> None:
    assert _counts(document) == []
    assert _counts(f"{document}\n\nAfter it.\n") == [2]


def test_a_list_item_is_a_paragraph_of_its_own() -> None:
    assert _counts("There are:\n- one,\n- two\n  and more,\n1. three.") == [2, 1, 3, 1]


def test_code_a_link_or_an_address_counts_as_what_is_read() -> None:
    assert _counts("Run `make test -j 3` as [the page](https://x.test/a). See - or leave <https://x.test/b>.") == [5, 4]


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert _counts("It is 0.85 of it. aiokafka waits (so it says). Is it so? Some, e.g. two, do.") == [5, 5, 3, 4]


def test_a_sentence_knows_its_line() -> None:
    assert [sentence.number for sentence in sentences("# A\n\nOne.\n\n- two\n- three")] == [3, 5, 6]


@pytest.mark.parametrize(
    ("line", "is_too_long"),
    [
        ("x " * 60, False),
        ("x " * 61, True),
        ("| x " * 60, False),
        (f"- [{'x' * 60}]({'y' * 60}).", False),
        (f"- see [{'x' * 60}]({'y' * 60}).", True),
        (f"```sh\n{'x ' * 61}\n```", False),
        (f"```sh\nx\n```\n{'x ' * 61}", True),
    ],
)
def test_a_line_of_121_characters_is_found_in_prose(line: str, *, is_too_long: bool) -> None:
    assert bool(list(too_long(line))) is is_too_long


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Nothing is told anew.", ["anew", "told"]),
        ("It stands in the topic, whence it was mended.", ["mended", "whence", "stands in"]),
        ("A worker that was told to end stands still. It tells the others to end.", []),
        ("`mend` and `so many` are names here, as is https://x.test/upon.", []),
    ],
)
def test_words_with_a_plainer_one_are_found(line: str, words: list[str]) -> None:
    assert [word for word, _ in poor_words(line)] == words


def test_docstrings_and_comments_are_found_and_other_strings_are_not() -> None:
    source = '"""One\ntwo."""\nx = "three"  # four\n\n\nclass C:\n    """Five."""\n    y: int\n    """Six."""\n'
    assert sorted(remarks(source)) == [(1, "One"), (2, "two."), (3, "# four"), (7, "Five."), (9, "Six.")]
