"""Checks of backlogs: each can hold an item, and every limit and target means one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stream.config.document import Document
from stream.config.mistake import Path, did_you_mean, quoted
from stream.config.model import LEVELS, Backlog, FlowConfig, Level, home_of
from stream.config.rules import NODES, NormalRule, covers, normal_rule

Backlogs = tuple[Backlog, ...]
_READER: TypeAdapter[Backlogs] = TypeAdapter(Backlogs)


def check(document: Document) -> None:
    """Note every mistake in backlogs, in limits by backlog, and in the backlogs of targets."""
    check_reached(document)
    backlogs = readable(document)
    if backlogs:
        for level, path, limit in _limits(document):
            check_limit(document, path, limit, level, backlogs)
        for path, target in document.at("targets.*"):
            if isinstance(target, dict) and target.get("level") in LEVELS:
                check_target(document, path, target, backlogs)


def readable(document: Document) -> Backlogs:
    """Give the backlogs, or the default; none if one of them cannot be read."""
    for _, entries in document.at("backlogs"):
        try:
            return _READER.validate_python(entries)
        except ValidationError:
            return ()
    default: Backlogs = FlowConfig.model_fields["backlogs"].default
    return default


def check_reached(document: Document) -> None:
    """No backlog comes after one that holds all its items."""
    earlier: list[tuple[Path, str, NormalRule]] = []
    for path, entry in document.at("backlogs.*"):
        name = entry.get("backlog") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        holds = entry.get("holds")
        rule = frozenset() if holds is None else normal_rule(holds)
        if rule is None:
            continue
        for found, other, wider in earlier:
            if covers(wider, rule):
                before = f"{quoted(other)} on line {document.line(found)}"
                document.complain(path, f"{quoted(name)} {_unreached(rule, wider, before)}", name)
                break
        earlier.append((path, name, rule))


def _unreached(rule: NormalRule, wider: NormalRule, before: str) -> str:
    if not rule:
        return f"has no `holds`, nor has {before}, which takes all items: say what one of them holds, or remove one"
    if rule == wider:
        return f"holds the same as {before}, which takes all its items: give other `holds`, or remove one of them"
    why = "already holds all its items" if wider else "has no `holds` and takes all items"
    return f"is never reached, since {before} {why}: put it before that one, or remove it"


def _limits(document: Document) -> Iterator[tuple[Level, Path, Any]]:
    for level in LEVELS:
        for path, limit in document.at(f"{NODES[level]}.load_limit"):
            yield level, path, limit


def check_limit(document: Document, path: Path, limit: object, level: Level, backlogs: Backlogs) -> None:
    """Each WIP limit is for a backlog that is there."""
    if isinstance(limit, dict):
        for name, number in limit.items():
            if name not in _names(backlogs):
                document.complain((*path, name), _unknown(name, backlogs), number)
    elif isinstance(limit, int) and home_of(backlogs, level) is None:
        fix = f"name the backlog, as in {{{quoted(_lowest(backlogs).backlog)}: {limit}}}"
        message = f"{limit} is for the home backlog, but no backlog has its home at {_reach(level)}: {fix}"
        document.complain(path, message, limit)


def check_target(document: Document, path: Path, target: dict[str, Any], backlogs: Backlogs) -> None:
    """The target's node always shows its backlog; predictability has none."""
    level, name = target["level"], target.get("backlog")
    if target.get("metric") == "predictability":
        if name is not None:
            document.complain((*path, "backlog"), "is not used with metric predictability: leave it out", name)
    elif name is None:
        if home_of(backlogs, level) is None:
            message = f"no backlog has its home at {_reach(level)}: measure a node of {_from(_lowest(backlogs).home)}"
            document.complain((*path, "level"), message, level)
    elif isinstance(name, str) and name not in _names(backlogs):
        document.complain((*path, "backlog"), _unknown(name, backlogs), name)
    elif isinstance(name, str):
        _check_shown(document, (*path, "backlog"), name, level, backlogs)


def _check_shown(document: Document, path: Path, name: str, level: Level, backlogs: Backlogs) -> None:
    home = next(each.home for each in backlogs if each.backlog == name)
    if LEVELS.index(home) > LEVELS.index(level):
        shown = [each.backlog for each in backlogs if LEVELS.index(each.home) <= LEVELS.index(level)]
        other = f", or choose {' or '.join(map(quoted, shown))}" if shown else ""
        message = f"{quoted(name)} is planned at level {home}, so a node of level {level} does not always show it"
        document.complain(path, f"{message}: measure a node of {_from(home)}{other}", name)


def _names(backlogs: Backlogs) -> list[str]:
    return [each.backlog for each in backlogs]


def _unknown(name: str, backlogs: Backlogs) -> str:
    names = _names(backlogs)
    return f"{quoted(name)} is no backlog: {did_you_mean(name, names) or 'use one of ' + ', '.join(map(quoted, names))}"


def _lowest(backlogs: Backlogs) -> Backlog:
    return min(backlogs, key=lambda each: LEVELS.index(each.home))


def _reach(level: Level) -> str:
    return f"level {level}" if level == LEVELS[0] else f"level {level} or below"


def _from(level: Level) -> str:
    return f"level {level}" if level == LEVELS[-1] else f"level {level} or above"
