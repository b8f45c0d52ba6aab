"""Markdown and Python source as prose: its lines, its sentences, and words that have a plainer one."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

MAX_COLUMNS = 120
MAX_WORDS = 30

# A pattern, and what to write instead.
BETTER = {
    r"anew": "again, or new",
    r"mend(s|ed|ing)?": "fix",
    r"upon": "on",
    r"whence|whither|henceforth|(there|where)(by|in|of|upon)": "from where, so, in it: rewrite the sentence",
    r"whoever": "the worker that, the caller that",
    r"(stands?|stood) (in|at|on|there|behind|beside|before|between|under|above|below)": "is (in)",
    r"tells(?!( \w+){1,3} to\b)|told(?! to\b)": "says, shows, reports; said, notified, warned",
    r"in (the )?place of": "instead of",
    r"but for": "except",
    r"so many": "that many, or the number",
    r"by and by|at all times": "nothing: leave it out",
    r"shall": "must",
    r"(is|are|was|were) to be": "must be, will be",
}
_BETTER = [(re.compile(rf"\b({pattern})\b", re.IGNORECASE), better) for pattern, better in BETTER.items()]

_FENCE = re.compile(r"\s*(```|~~~)")
_FILLED = re.compile(r"<!-- (generated|bench): \w+ -->")
_END = "<!-- end -->"
_HEADING = re.compile(r"#+ ")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) ")
_QUOTE = re.compile(r"^\s*> ?")
_CODE = re.compile(r"(`+).+?\1")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_ADDRESS = re.compile(r"<?https?://[^\s>]+>?")
_ONE_LINK = re.compile(r"\s*(?:[-*] )?(?:!?\[[^\]]*\]\([^)\s]*\)|<?https?://[^\s>]+>?)[.,:;]?")
_SENTENCE_END = re.compile(r"(?<=[.!?])[)*_\"']*\s+")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|cf|vs)\.$")


class Line(NamedTuple):
    """A line of a document, and what it is: `text`, `item`, `heading`, `table`, `code` or `filled`."""

    number: int
    kind: str
    text: str


class Sentence(NamedTuple):
    """A sentence, and the line on which its paragraph begins."""

    number: int
    text: str

    @property
    def words(self) -> int:
        """How many words it has; inline code, a link's address or a number is one."""
        return count(self.text)


def lines(document: str) -> Iterator[Line]:
    """Give the lines of a Markdown document with their kinds."""
    fence, filled = "", False
    for number, line in enumerate(document.splitlines(), 1):
        mark = _FENCE.match(line)
        filled = filled or _FILLED.match(line) is not None
        if filled:
            yield Line(number, "filled", line)
            filled = not line.startswith(_END)
        elif fence or mark:
            yield Line(number, "code", line)
            if mark and (not fence or mark[1] == fence):
                fence = "" if fence else mark[1]
        else:
            yield Line(number, _kind(line), line)


def _kind(line: str) -> str:
    if _HEADING.match(line):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    return "item" if _ITEM.match(line) else "text"


def too_long(document: str) -> Iterator[Line]:
    """Give the lines over 120 characters, except in tables, code, filled parts, and where a line is one link."""
    for line in lines(document):
        broken = line.kind in {"text", "item", "heading"} and not _ONE_LINK.fullmatch(line.text)
        if broken and len(line.text) > MAX_COLUMNS:
            yield line


def sentences(document: str) -> Iterator[Sentence]:
    """Give the sentences of the prose. A list item is a paragraph of its own; headings, tables and code are none."""
    for number, paragraph in _paragraphs(document):
        begun = ""
        for part in _SENTENCE_END.split(plain(paragraph)):
            begun = f"{begun} {part}".strip()
            if not _ABBREVIATION.search(begun):
                yield Sentence(number, begun)
                begun = ""
        if begun:
            yield Sentence(number, begun)


def _paragraphs(document: str) -> Iterator[tuple[int, str]]:
    number, gathered = 0, ""
    for line in [*lines(document), Line(0, "heading", "")]:
        goes_on = line.kind == "text" and line.text.strip()
        if gathered and not goes_on:
            yield number, gathered
            gathered = ""
        if goes_on or line.kind == "item":
            number = number if gathered else line.number
            gathered += " " + _ITEM.sub("", _QUOTE.sub("", line.text), count=1)


def plain(text: str) -> str:
    """Give the text with each inline code as one word, and links as what a reader sees."""
    return _ADDRESS.sub("Address", _LINK.sub(r"\1", _CODE.sub("Code", text)))


def count(text: str) -> int:
    """Count the words; a dash or an arrow is none."""
    return sum(any(char.isalnum() for char in word) for word in plain(text).split())


def poor_words(line: str) -> Iterator[tuple[str, str]]:
    """Give the words of a line that have a better one, with that. Inline code and addresses are names, not words."""
    for pattern, better in _BETTER:
        for found in pattern.finditer(plain(line)):
            yield found[0], better


def remarks(source: str) -> Iterator[tuple[int, str]]:
    """Give the lines of a Python module's docstrings and comments, with their numbers."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # Attributes have such strings, too.
            for inner in node.body:
                if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
                    yield from enumerate(str(inner.value.value).splitlines(), inner.lineno)
