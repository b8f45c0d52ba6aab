"""Checks of rules: each is read as it is written, and each owner gets items by each of its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stream.config.document import Document
from stream.config.fields import read_match
from stream.config.mistake import Path
from stream.config.model import LEVELS, Level

# The nodes of each level, from the lowest to the highest.
NODES: dict[Level, str] = dict(
    zip(LEVELS, ("organisation.*.arts.*.teams.*", "organisation.*.arts.*", "organisation.*", "portfolio"), strict=True)
)
RULES = (*(f"{node}.owns.*" for node in NODES.values()), "workflows.*.applies_to", "backlogs.*.holds")

NormalRule = frozenset[tuple[str, frozenset[str]]]


def check(document: Document) -> None:
    """Note every mistake in the rules of the organisation, of workflows and of backlogs."""
    check_written(document)
    check_same_rules(document)


def check_written(document: Document) -> None:
    """A number or boolean in a rule is compared as text, which must be the text in the file."""
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
    """No rule comes after one that matches the same items; lower levels come first."""
    first: dict[NormalRule, tuple[Path, Level]] = {}
    for place, rule, level in _rules(document):
        normal = normal_rule(rule)
        found, lower = first.setdefault(normal, (place, level)) if normal else (place, level)
        if lower != level:
            message = f"the same rule is on line {document.line(found)} at level {lower}, which takes all its items"
            document.complain(place, f"{message}: remove one of them", rule)
        elif found != place:
            fix = "an item goes to the first that matches, so remove one of them"
            document.complain(place, f"the same rule is already on line {document.line(found)}: {fix}", rule)


def _rules(document: Document) -> Iterator[tuple[Path, Any, Level]]:
    for level, nodes in NODES.items():
        for path, node in document.at(nodes):
            if isinstance(node, dict) and level == "team" and "owns" not in node:
                yield (*path, "team"), {"team": node.get("team")}, level
            owns = node.get("owns") if isinstance(node, dict) else None
            for index, rule in enumerate(owns if isinstance(owns, list) else []):
                yield (*path, "owns", index), rule, level


def normal_rule(rule: object) -> NormalRule | None:
    """Give a form of a rule that is equal for rules that match the same items; None if it is empty or no rule."""
    if not isinstance(rule, dict) or not rule:
        return None
    try:
        return frozenset((field, _wanted(value)) for field, value in rule.items())
    except ValueError:
        return None


def _wanted(value: object) -> frozenset[str]:
    wanted = read_match(value)
    return frozenset([wanted] if isinstance(wanted, str) else wanted)


def covers(wider: NormalRule, rule: NormalRule) -> bool:
    """Tell whether a rule matches every item that the other matches."""
    wanted = dict(rule)
    return all(field in wanted and wanted[field] <= values for field, values in wider)
