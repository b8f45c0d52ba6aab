"""The documents, cut into the parts that the tests look up: code blocks, headings, links, tables."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.docs.generate import README, REPOSITORY

TROUBLESHOOTING = REPOSITORY / "docs" / "troubleshooting.md"
NO_SOURCES = {".venv", "build", "node_modules"}


def every_document() -> list[Path]:
    """Give the paths of all documents in the repository, from its root: those that git knows, and new ones."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
        found = {Path(line) for line in done.stdout.splitlines()}
    except (OSError, subprocess.CalledProcessError):
        # An export, without git.
        found = {path.relative_to(REPOSITORY) for path in REPOSITORY.rglob("*.md")}
    return sorted(path for path in found if NO_SOURCES.isdisjoint(path.parts) and (REPOSITORY / path).exists())


DOCUMENTS = [REPOSITORY / path for path in every_document()]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def text(document: Path = README) -> str:
    """Read a document."""
    return document.read_text("utf-8")


def blocks(document: Path, *kinds: str) -> list[str]:
    """Give the code blocks of some kinds (`sh`, `promql`, …)."""
    return [block for kind, block in _BLOCK.findall(text(document)) if kind in kinds]


def prose(document: Path) -> str:
    """Give the text without its code blocks."""
    return _BLOCK.sub("", text(document))


def links(document: Path) -> list[str]:
    """Give the targets of the links that stay in the repository."""
    return [link for link in _LINK.findall(prose(document)) if not link.startswith("https://")]


def anchors(document: Path) -> set[str]:
    """Give the anchors of the headings, as a web view of the repository makes them."""
    headings = [heading.lower() for _, heading in _HEADING.findall(prose(document))]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def headings(document: Path) -> list[str]:
    """Give the headings without their marks."""
    return [heading.strip("`") for _, heading in _HEADING.findall(prose(document))]


def first_column(heading: str, document: Path) -> list[str]:
    """Give the names in the first column of the table below a heading."""
    section = re.split(r"^#+ ", text(document).split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def shell_lines(document: Path) -> Iterator[str]:
    """Give the commands of the shell blocks; in a `console` block they follow `$ `."""
    for block in blocks(document, "sh"):
        yield from (line for line in block.replace("\\\n", "").splitlines() if line)
    for block in blocks(document, "console"):
        yield from (line[2:] for line in block.splitlines() if line.startswith("$ "))
