"""Whose an item is, what type it has and which flow state it is in, by the configuration alone."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
Owner = tuple[str, str, str]
Node = tuple[str, str, str, str]

UNASSIGNED: Owner = ("unassigned", "unassigned", "unassigned")


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


def levels(owner: Owner) -> list[Node]:
    """List the value stream, the ART and the team that an owner stands for."""
    stream, art, team = owner
    return [("value_stream", stream, "", ""), ("art", stream, art, ""), ("team", stream, art, team)]


def belongs(owner: Owner, node: Node) -> bool:
    """Tell whether what the owner has counts in the node."""
    return node[0] == "portfolio" or node in levels(owner)


def owner_of(attributes: Json, config: Json) -> Owner:
    """Find the first team that owns an item with these attributes."""
    for owner, entry in teams(config):
        rules = entry.get("owns") or [{"team": entry["team"]}]
        if any(matches(rule, attributes) for rule in rules):
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
