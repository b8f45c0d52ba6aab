"""Checks of targets: the node exists, and the metric has the details it needs and no others."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import Any

from stream.config.document import Document
from stream.config.duration import Duration
from stream.config.fields import read_amount
from stream.config.mistake import Path, did_you_mean, quoted
from stream.config.model import OTHER
from stream.config.organisation import NAMES
from stream.config.periods import check_window, windows

LEVELS = ("value_stream", "art", "team")
DETAILS = {"quantile": "0.85", "window": "30d", "item_type": "feature"}
NEEDS: dict[str, set[str]] = {
    "flow_time": {"quantile", "window"},
    "velocity": {"window"},
    "efficiency": {"window"},
    "distribution": {"window", "item_type"},
    "load": set(),
    "predictability": set(),
}
SHARES = ("efficiency", "distribution")
COUNTED = tuple(metric for metric in NEEDS if metric != "flow_time")

Nodes = dict[tuple[str, str], list[tuple[str, ...]]]


def check(document: Document) -> None:
    """Note every mistake in the targets."""
    nodes = _nodes(document)
    for path, target in document.at("targets.*"):
        if isinstance(target, dict):
            check_node(document, path, target, nodes)
            check_details(document, path, target)
            check_item_type(document, path, target)
            check_bounds(document, path, target)
    for path, window in windows(document, "targets.*.window"):
        check_window(document, path, window)


def _nodes(document: Document) -> Nodes:
    """Give the nodes of the organisation by level and name, each as the names on its path."""
    names: dict[Path, str] = {}
    nodes: Nodes = defaultdict(list)
    for depth, pattern in enumerate(NAMES):
        for path, name in document.texts(pattern):
            names[path] = name
            way = [names.get((*path[: 2 * above + 2], LEVELS[above]), "") for above in range(depth + 1)]
            nodes[LEVELS[depth], name].append(tuple(way))
    return nodes


def check_node(document: Document, path: Path, target: dict[str, Any], nodes: Nodes) -> None:
    """The names that the level needs are given, and no others, and they name one node."""
    level = target.get("level")
    if level not in (*LEVELS, "portfolio"):
        return
    keys = LEVELS[: LEVELS.index(level) + 1] if level in LEVELS else ()
    for key in LEVELS[len(keys) :]:
        if target.get(key) is not None:
            document.complain((*path, key), f"is not used at level {level}: leave it out", target[key])
    if keys and target.get(level) is None:
        document.complain((*path, level), f"is missing: level {level} needs the name of one", None)
    elif keys and isinstance(target[level], str):
        _check_found(document, path, {key: target.get(key) for key in keys}, nodes)


def _check_found(document: Document, path: Path, wanted: dict[str, Any], nodes: Nodes) -> None:
    *above, level = wanted
    name = wanted[level]
    values = tuple(wanted.values())
    same = [
        node
        for node in nodes.get((level, name), [])
        if all(want in (None, part) for want, part in zip(values, node, strict=True))
    ]
    if not same:
        known = [own for kind, own in nodes if kind == level]
        place = " and ".join(f"{key} {quoted(str(wanted[key]))}" for key in above if wanted[key] is not None)
        hint = did_you_mean(name, set(known) - {name}) or "give an existing name"
        message = f"{quoted(name)} names no {level} of {place or 'the organisation'}: {hint}"
        document.complain((*path, level), message, name)
    elif len(same) > 1:
        message = f"{quoted(name)} is in the organisation {len(same)} times: name its {' and '.join(above)} too"
        document.complain((*path, level), message, name)


def check_details(document: Document, path: Path, target: dict[str, Any]) -> None:
    """Quantile, window and item type are given if the metric needs them, and only then."""
    metric = target.get("metric")
    if not isinstance(metric, str) or metric not in NEEDS:
        return
    for key, example in DETAILS.items():
        given = target.get(key) is not None
        if given and key not in NEEDS[metric]:
            document.complain((*path, key), f"is not used with metric {metric}: leave it out", target[key])
        if not given and key in NEEDS[metric]:
            message = f"is missing: metric {metric} needs it, such as {key}: {example}"
            document.complain((*path, key), message, None)


def check_item_type(document: Document, path: Path, target: dict[str, Any]) -> None:
    """The item type is one of `item_types`, or `other`."""
    types = [str(each[-1]) for each, _ in document.at("item_types.*")] + [OTHER]
    item_type = target.get("item_type")
    if isinstance(item_type, str) and item_type not in types:
        hint = did_you_mean(item_type, types) or "use one of " + ", ".join(map(quoted, types))
        document.complain((*path, "item_type"), f"{quoted(item_type)} is not an item type: {hint}", item_type)


def check_bounds(document: Document, path: Path, target: dict[str, Any]) -> None:
    """There is a bound in the metric's unit, and the lower bound is not above the upper one."""
    bounds: dict[str, float] = {}
    for key in ("at_most", "at_least"):
        try:
            amount = read_amount(target.get(key))
        except ValueError:
            continue
        misfit = _misfit(amount, target.get("metric"))
        if misfit:
            document.complain((*path, key), f"{amount} {misfit}", target[key])
        else:
            bounds[key] = amount.microseconds if isinstance(amount, Duration) else amount
    if target.get("at_most") is None and target.get("at_least") is None:
        document.complain((*path, "at_most"), "is missing: give at_most, at_least or both", None)
    if bounds.get("at_least", 0) > bounds.get("at_most", inf):
        message = f"{target['at_least']} is above at_most, {target['at_most']}: swap them, or fix one"
        document.complain((*path, "at_least"), message, target["at_least"])


def _misfit(amount: Duration | float, metric: object) -> str:
    if metric == "flow_time" and not isinstance(amount, Duration):
        return "is not in the unit of metric flow_time: give a duration such as 8d"
    if metric in COUNTED and isinstance(amount, Duration):
        return f"is not in the unit of metric {metric}: give a number"
    if metric in SHARES and isinstance(amount, int | float) and amount > 1:
        return "is not a share: give a number from 0 to 1, such as 0.15 for 15 %"
    return ""
