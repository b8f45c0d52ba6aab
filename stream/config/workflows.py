"""Checks of workflows and item types: each state and type has one meaning, and each workflow can be reached."""

from __future__ import annotations

from stream.config.document import Document
from stream.config.mistake import Path
from stream.config.model import MAX_STATES, OTHER
from stream.config.organisation import look_alike, normalised, twice
from stream.config.rules import NormalRule, covers, normal_rule


def check(document: Document) -> None:
    """Note every mistake in workflows and item types."""
    check_states(document)
    check_reached(document)
    check_item_types(document)


def check_states(document: Document) -> None:
    """A state is only once in its workflow, which does not have too many states."""
    first: dict[tuple[Path, str], Path] = {}
    for path, state in document.texts("workflows.*.states.*.*"):
        found = first.setdefault((path[:3], state), path)
        if found != path:
            twice(
                document,
                path,
                state,
                found,
                "a state has one flow state in a workflow, so remove one of them",
            )
    for path, states in document.at("workflows.*.states"):
        lists = states.values() if isinstance(states, dict) else ()
        count = sum(len(names) for names in lists if isinstance(names, list))
        if isinstance(states, dict) and not any(states.values()):
            document.complain(path, "names no state: give at least one under active, and one under done", None)
        if count > MAX_STATES:
            document.complain(path, f"has {count} states: give at most {MAX_STATES}", None)


def check_reached(document: Document) -> None:
    """No workflow comes after one that applies to all its items."""
    earlier: list[tuple[Path, NormalRule]] = []
    for path, workflow in document.at("workflows.*"):
        applies_to = workflow.get("applies_to", {}) if isinstance(workflow, dict) else None
        rule = frozenset() if applies_to == {} else normal_rule(applies_to)
        if rule is None:
            continue
        for found, wider in earlier:
            if covers(wider, rule):
                place = f"the workflow on line {document.line(found)} already applies to all its items"
                document.complain(path, f"is never reached, since {place}: put it before that one, or remove it", None)
                break
        earlier.append((path, rule))


def check_item_types(document: Document) -> None:
    """A tracker type belongs to one flow item type, and flow item types have different names."""
    first: dict[str, Path] = {}
    for path, text in document.texts("item_types.*.*"):
        found = first.setdefault(text, path)
        if found != path:
            twice(document, path, text, found, "a tracker type belongs to one item type, so remove one of them")
    names: dict[str, Path] = {}
    for path, _ in document.at("item_types.*"):
        found = names.setdefault(normalised(str(path[-1])), path)
        if found != path:
            look_alike(document, path, str(path[-1]), found)
    for path, types in document.at(f"item_types.{OTHER}"):
        message = f'"{OTHER}" is reserved for all types that are not named here: choose another name'
        document.complain(path, message, types)
