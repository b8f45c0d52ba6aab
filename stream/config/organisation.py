"""Checks of the organisation: each node has one name, each item at most one owner that can be told."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

from stream.config.document import Document
from stream.config.fields import read_match
from stream.config.mistake import Path, quoted
from stream.config.model import MAX_TEAMS

TEAMS = "organisation.*.arts.*.teams"
NAMES = ("organisation.*.value_stream", "organisation.*.arts.*.art", f"{TEAMS}.*.team")
LISTED = ("workflows.*.name", "program_increments.*.name", "sources.*.name", "targets.*.name")
RESERVED = {
    "unassigned": (NAMES, "is the name under which items that nobody owns stand"),
    "portfolio": (NAMES[:1], "is the level above all value streams"),
}
RULES = ("organisation.*.arts.*.teams.*.owns.*", "workflows.*.applies_to")

NormalRule = frozenset[tuple[str, frozenset[str]]]


def check(document: Document) -> None:
    """Note every mistake in the names and rules of the organisation."""
    check_names(document)
    check_reserved(document)
    check_team_count(document)
    check_team_attribute(document)
    check_written(document)
    check_same_rules(document)


def check_names(document: Document) -> None:
    """A name stands once in its list."""
    for pattern in NAMES + LISTED:
        first: dict[tuple[Path, str], tuple[Path, str]] = {}
        for path, name in document.texts(pattern):
            found, same = first.setdefault((path[:-2], normalised(name)), (path, name))
            if found != path and same == name:
                twice(document, path, name, found)
            elif found != path:
                look_alike(document, path, name, found)


def twice(document: Document, path: Path, text: str, first: Path, mend: str = "give each its own name") -> None:
    """Note that the text at the path stood already at another one."""
    document.complain(path, f"{quoted(text)} stands already on line {document.line(first)}: {mend}", text)


def normalised(name: str) -> str:
    """Give the one form of names that look the same: an accent may be a part of its letter, or a character after it."""
    return unicodedata.normalize("NFC", name)


def look_alike(document: Document, path: Path, name: str, first: Path) -> None:
    """Note that nobody can see how the name at the path differs from another one."""
    place = f"the name on line {document.line(first)} only in how its accents are encoded"
    document.complain(path, f"{quoted(name)} differs from {place}: give each its own name", name)


def check_reserved(document: Document) -> None:
    """The names that flowgauge gives itself are not used for something else."""
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
    """A team without `owns` takes items by its name, which must then be the only one of its kind."""
    arts = {(path[:-2], name) for path, name in document.texts(f"{TEAMS}.*.team")}
    counts = Counter(name for _, name in arts)
    for path, team in document.at(f"{TEAMS}.*"):
        name = team.get("team") if isinstance(team, dict) else None
        if isinstance(name, str) and counts[name] > 1 and "owns" not in team:
            mend = "give it `owns`, or a name of its own"
            message = f"{quoted(name)} is a team of {counts[name]} ARTs, and this one has no `owns`: {mend}"
            document.complain((*path, "team"), message, name)


def check_written(document: Document) -> None:
    """A number or boolean in a rule is compared as text, which must be the text that the file shows."""
    for rule in RULES:
        for pattern in (f"{rule}.*", f"{rule}.*.*"):
            for path, value in document.at(pattern):
                if not isinstance(value, bool | int | float):
                    continue
                written, text = document.written(path), str(read_match(value))
                if text != (written.lower() if isinstance(value, bool) else written):
                    message = f"{document.shown(path, value)} is {text} to YAML: quote it, or write {text}"
                    document.complain(path, message, value)


def check_same_rules(document: Document) -> None:
    """No rule stands behind one that takes the same items."""
    first: dict[NormalRule, Path] = {}
    for path, team in document.at(f"{TEAMS}.*"):
        for place, rule in _rules(path, team):
            normal = normal_rule(rule)
            found = first.setdefault(normal, place) if normal else place
            if found != place:
                mend = "an item goes to the first that matches, so leave it to one of them"
                document.complain(place, f"the same rule stands already on line {document.line(found)}: {mend}", rule)


def _rules(path: Path, team: object) -> list[tuple[Path, Any]]:
    if not isinstance(team, dict):
        return []
    if "owns" not in team:
        return [((*path, "team"), {"team": team.get("team")})]
    owns = team["owns"]
    return [((*path, "owns", index), rule) for index, rule in enumerate(owns if isinstance(owns, list) else [])]


def normal_rule(rule: object) -> NormalRule | None:
    """Give a rule so that two which take the same items are equal; None where it is empty or no rule."""
    if not isinstance(rule, dict) or not rule:
        return None
    try:
        return frozenset((field, _wanted(value)) for field, value in rule.items())
    except ValueError:
        return None


def _wanted(value: object) -> frozenset[str]:
    wanted = read_match(value)
    return frozenset([wanted] if isinstance(wanted, str) else wanted)
