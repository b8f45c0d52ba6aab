"""Checks of the organisation: names are unique, and there are not too many teams."""

from __future__ import annotations

import unicodedata
from collections import Counter

from stream.config.document import Document
from stream.config.mistake import Path, quoted
from stream.config.model import MAX_TEAMS

TEAMS = "organisation.*.arts.*.teams"
NAMES = ("organisation.*.value_stream", "organisation.*.arts.*.art", f"{TEAMS}.*.team")
LISTED = ("workflows.*.name", "backlogs.*.backlog", "program_increments.*.name", "sources.*.name", "targets.*.name")
RESERVED = {
    "unassigned": (NAMES, "is reserved for items that nobody owns"),
    "portfolio": (NAMES[:1], "is reserved for the level above all value streams"),
}


def check(document: Document) -> None:
    """Note every mistake in the names of the organisation."""
    check_names(document)
    check_reserved(document)
    check_team_count(document)
    check_team_attribute(document)


def check_names(document: Document) -> None:
    """A name is only once in its list."""
    for pattern in NAMES + LISTED:
        first: dict[tuple[Path, str], tuple[Path, str]] = {}
        for path, name in document.texts(pattern):
            found, same = first.setdefault((path[:-2], normalised(name)), (path, name))
            if found != path and same == name:
                twice(document, path, name, found)
            elif found != path:
                look_alike(document, path, name, found)


def twice(document: Document, path: Path, text: str, first: Path, fix: str = "give each its own name") -> None:
    """Note that the text at the path is also at an earlier one."""
    document.complain(path, f"{quoted(text)} is already on line {document.line(first)}: {fix}", text)


def normalised(name: str) -> str:
    """Give one form for names that look the same: an accent may be part of its letter or a character after it."""
    return unicodedata.normalize("NFC", name)


def look_alike(document: Document, path: Path, name: str, first: Path) -> None:
    """Note that the name at the path looks the same as another one."""
    place = f"the name on line {document.line(first)} only in how its accents are encoded"
    document.complain(path, f"{quoted(name)} differs from {place}: give each its own name", name)


def check_reserved(document: Document) -> None:
    """The names that flowgauge uses itself are not used for anything else."""
    for reserved, (patterns, meaning) in RESERVED.items():
        for pattern in patterns:
            for path, name in document.texts(pattern):
                if name == reserved:
                    document.complain(path, f'"{name}" {meaning}: choose another name', name)


def check_team_count(document: Document) -> None:
    """There are not more teams than flowgauge is built for."""
    count = sum(1 for _ in document.at(f"{TEAMS}.*"))
    if count > MAX_TEAMS:
        document.complain(("organisation",), f"has {count} teams: give at most {MAX_TEAMS}", None)


def check_team_attribute(document: Document) -> None:
    """A team without `owns` gets items by its name, so no other team may have that name."""
    arts = {(path[:-2], name) for path, name in document.texts(f"{TEAMS}.*.team")}
    counts = Counter(name for _, name in arts)
    for path, team in document.at(f"{TEAMS}.*"):
        name = team.get("team") if isinstance(team, dict) else None
        if isinstance(name, str) and counts[name] > 1 and "owns" not in team:
            fix = "give it `owns`, or a name of its own"
            message = f"{quoted(name)} is a team of {counts[name]} ARTs, and this one has no `owns`: {fix}"
            document.complain((*path, "team"), message, name)
