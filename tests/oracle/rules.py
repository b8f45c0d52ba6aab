"""Whose an item is, what type it has and which flow state it is in, by the configuration alone."""

from __future__ import annotations

from functools import cache
from typing import Any

Json = dict[str, Any]
Owner = tuple[str, str, str]
Node = tuple[str, str, str, str]

UNASSIGNED: Owner = ("unassigned", "unassigned", "unassigned")
PORTFOLIO: Owner = ("", "", "")


def text(value: object) -> str:
    """Write a scalar as the text by which rules compare it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def texts(value: object) -> list[str]:
    """List the texts of a list, of a scalar (one) or of nothing (none)."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text(one) for one in value]
    return [text(value)]


def matches(rule: Json, attributes: Json) -> bool:
    """Tell whether each field of the rule has a value in common with the attribute of its name."""
    return all(set(texts(wanted)) & set(texts(attributes.get(field))) for field, wanted in rule.items())


def teams(config: Json) -> list[tuple[Owner, Json]]:
    """List the configured teams in the order of the file, each with its entry."""
    found = []
    for stream in config["organisation"]:
        for art in stream.get("arts") or []:
            for team in art.get("teams") or []:
                found.append(((stream["value_stream"], art["art"], team["team"]), team))
    return found


def arts(config: Json) -> list[tuple[Owner, Json]]:
    """List the configured ARTs in the order of the file, each with its entry."""
    return [
        ((stream["value_stream"], art["art"], ""), art)
        for stream in config["organisation"]
        for art in stream.get("arts") or []
    ]


def value_streams(config: Json) -> list[tuple[Owner, Json]]:
    """List the configured value streams in the order of the file, each with its entry."""
    return [((stream["value_stream"], "", ""), stream) for stream in config["organisation"]]


def node_of(owner: Owner) -> Node:
    """Name the node that owns something by its level."""
    depth = len([name for name in owner if name])
    return (("portfolio", "value_stream", "art", "team")[depth], *owner)


@cache
def levels(owner: Owner) -> list[Node]:
    """List the nodes in which an owner's items count, the portfolio first and the owner itself last."""
    stream, art, _ = owner
    way = [PORTFOLIO, (stream, "", ""), (stream, art, ""), owner]
    return [node_of(each) for each in dict.fromkeys(way)]


def belongs(owner: Owner, node: Node) -> bool:
    """Tell whether what the owner has counts in the node; `own` is no level, but what the owner has itself."""
    return node in [*levels(owner), ("own", *owner)]


def owner_of(attributes: Json, config: Json) -> Owner:
    """Find the most specific node that owns an item with these attributes: a team, an ART, a value stream, all."""
    for owner, entry in teams(config):
        rules = entry.get("owns") or [{"team": entry["team"]}]
        if any(matches(rule, attributes) for rule in rules):
            return owner
    for owner, entry in [*arts(config), *value_streams(config), (PORTFOLIO, config.get("portfolio") or {})]:
        if any(matches(rule, attributes) for rule in entry.get("owns") or []):
            return owner
    return UNASSIGNED


def item_type_of(attributes: Json, config: Json) -> str:
    """Translate the tracker's type into the flow item type."""
    for item_type, tracker_types in (config.get("item_types") or {}).items():
        if set(texts(attributes.get("item_type"))) & set(texts(tracker_types)):
            return str(item_type)
    return "other"


def workflow_of(attributes: Json, config: Json) -> Json:
    """Find the first workflow that applies, or an empty one."""
    for workflow in config["workflows"]:
        if matches(workflow.get("applies_to") or {}, attributes):
            return dict(workflow)
    return {"states": {}}


def flow_state_of(state: str | None, attributes: Json, config: Json) -> str | None:
    """Translate a workflow state; None where no state is known."""
    if state is None:
        return None
    for flow_state, names in workflow_of(attributes, config)["states"].items():
        if state in texts(names):
            return str(flow_state)
    return "unmapped"
