"""The schemas are schemas, their examples are what their names say, and their lists are the program's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stream.events.decode import decode_value
from stream.events.event import EventType
from stream.events.rejection import Reason
from stream.events.time import parse_time
from stream.flow.watch import Kind
from stream.items.summary import FlowState
from tests.contract.documents import EXAMPLES, NAMES, example, examples, registry, schema, validator

# Where each invalid example is wrong, and the keyword that refuses it.
INVALID = {
    "alert.invalid-lasted-text": ("$.data.lasted_seconds", "type"),
    "alert.invalid-limit-without-value": ("$.data", "required"),
    "alert.invalid-sequence-number": ("$.sequence", "type"),
    "alert.invalid-since-without-offset": ("$.data.since", "pattern"),
    "alert.invalid-target-without-bounds": ("$.data", "required"),
    "alert.invalid-type": ("$.type", "enum"),
    "alert.invalid-without-backlog": ("$.data", "required"),
    "dead-letter.invalid-arrival-without-offset": ("$.flow_arrival", "pattern"),
    "dead-letter.invalid-batch-without-count": ("$", "dependentRequired"),
    "dead-letter.invalid-line-zero": ("$.flow_line", "pattern"),
    "dead-letter.invalid-missing-detail": ("$", "required"),
    "dead-letter.invalid-offset-negative": ("$.flow_offset", "pattern"),
    "dead-letter.invalid-part-without-id": ("$", "dependentRequired"),
    "dead-letter.invalid-partition-number": ("$.flow_partition", "type"),
    "dead-letter.invalid-reason": ("$.flow_reason", "enum"),
    "dead-letter.invalid-two-sources": ("$", "oneOf"),
    "dead-letter.invalid-without-source": ("$", "oneOf"),
    "event.invalid-blank-item": ("$.data.item", "pattern"),
    "event.invalid-blocked-text": ("$.data.blocked", "type"),
    "event.invalid-labels-text": ("$.data.labels", "type"),
    "event.invalid-long-id": ("$.id", "maxLength"),
    "event.invalid-long-item": ("$.data.item", "maxLength"),
    "event.invalid-long-source": ("$.source", "maxLength"),
    "event.invalid-missing-data": ("$", "required"),
    "event.invalid-missing-id": ("$", "required"),
    "event.invalid-missing-item": ("$.data", "required"),
    "event.invalid-objective-committed-text": ("$.data.committed", "type"),
    "event.invalid-objective-negative-value": ("$.data.planned_value", "minimum"),
    "event.invalid-objective-blank-pi": ("$.data.pi", "pattern"),
    "event.invalid-sequence-number": ("$.sequence", "type"),
    "event.invalid-specversion": ("$.specversion", "const"),
    "event.invalid-state-number": ("$.data.state", "type"),
    "event.invalid-time-without-offset": ("$.time", "pattern"),
    "event.invalid-unknown-type": ("$.type", "enum"),
    "item-summary.invalid-config-text": ("$.config", "pattern"),
    "item-summary.invalid-flow-state": ("$.flow_state", "enum"),
    "item-summary.invalid-fractional-points": ("$.points_millionths", "type"),
    "item-summary.invalid-fractional-stay": ("$.stays_us['In Progress']", "type"),
    "item-summary.invalid-missing-owner": ("$", "required"),
    "item-summary.invalid-negative-active": ("$.active_us", "minimum"),
    "item-summary.invalid-owner-of-two": ("$.owner", "minItems"),
    "item-summary.invalid-owner-without-art": ("$.owner", "anyOf"),
    "item-summary.invalid-spell-without-backlog": ("$.spells[0]", "minItems"),
    "item-summary.invalid-start-without-type": ("$.start", "required"),
    "item-summary.invalid-version": ("$.v", "const"),
    "node-measured.invalid-bad-node": ("$.data.load.items", "minimum"),
    "node-measured.invalid-without-instant": ("$.data", "required"),
    "node-measured.invalid-without-subject": ("$", "required"),
    "node-metrics.invalid-efficiency-above-one": ("$.windows['7d'].efficiency", "maximum"),
    "node-metrics.invalid-level": ("$.level", "enum"),
    "node-metrics.invalid-missing-art": ("$", "required"),
    "node-metrics.invalid-missing-velocity": ("$.windows['7d']", "required"),
    "node-metrics.invalid-negative-load": ("$.load.items", "minimum"),
    "node-metrics.invalid-pi-without-name": ("$.windows.pi", "required"),
    "node-metrics.invalid-portfolio-with-team": ("$.team", "const"),
    "node-metrics.invalid-ratio-negative": ("$.predictability['2026.4'].ratio", "minimum"),
    "node-metrics.invalid-seconds-text": ("$.windows['7d'].active_seconds", "type"),
    "node-metrics.invalid-statistic-of-nothing": ("$.age.mean", "type"),
    "node-metrics.invalid-target-met-of-nothing": ("$.targets[0].met", "type"),
    "node-metrics.invalid-team-without-name": ("$.team", "minLength"),
    "node-metrics.invalid-window-label": ("$.windows", "pattern"),
    "node-metrics.invalid-without-backlog": ("$", "required"),
    "objective-summary.invalid-negative-value": ("$.planned_millionths", "minimum"),
    "objective-summary.invalid-owner-of-two": ("$.owner", "minItems"),
    "replay.invalid-at-without-offset": ("$.at", "pattern"),
    "replay.invalid-bad-node": ("$.nodes[0]", "required"),
    "replay.invalid-no-nodes": ("$.nodes", "contains"),
    "replay.invalid-no-portfolio": ("$.nodes", "contains"),
    "replay.invalid-unplaced-none": ("$.unplaced['jira/acme'].other", "minimum"),
    "replay.invalid-without-unplaced": ("$", "required"),
}
VALID = [stem for name in NAMES for stem in examples(name, "valid")]


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema(name)["$id"] == f"{name}.schema.json"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    silent = [place for place, field in _fields(schema(name), "$") if not field.get("description")]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_references_resolve(name: str) -> None:
    resolver = registry().resolver(base_uri=f"{name}.schema.json")
    for reference in _references(schema(name)):
        assert resolver.lookup(reference).contents


@pytest.mark.parametrize("name", NAMES)
def test_schema_has_examples_of_both_kinds(name: str) -> None:
    assert examples(name, "valid")
    assert examples(name, "invalid")


@pytest.mark.parametrize("stem", VALID)
def test_valid_example_passes(stem: str) -> None:
    validator(stem.split(".", 1)[0]).validate(example(stem))


@pytest.mark.parametrize("stem", sorted(INVALID))
def test_invalid_example_fails_where_it_is_wrong(stem: str) -> None:
    errors = list(validator(stem.split(".", 1)[0]).iter_errors(example(stem)))
    assert {_place(error) for error in errors} == {INVALID[stem]}


def test_every_invalid_example_is_tested() -> None:
    there = {path.stem for path in EXAMPLES.glob("*.invalid-*.json") if path.stem.split(".", 1)[0] in NAMES}
    assert there == set(INVALID)


def test_reasons_are_the_programs() -> None:
    assert schema("dead-letter")["properties"]["flow_reason"]["enum"] == [str(reason) for reason in Reason]


def test_event_types_are_the_programs() -> None:
    assert schema("event")["properties"]["type"]["enum"] == [str(kind) for kind in EventType]


def test_changes_are_the_programs() -> None:
    assert schema("alert")["properties"]["type"]["enum"] == [str(kind) for kind in Kind]


def test_flow_states_are_the_programs() -> None:
    named = schema("item-summary")["properties"]["flow_state"]["enum"]
    assert named == [*(str(state) for state in FlowState), None]


@pytest.mark.parametrize("stem", examples("event", "valid"))
def test_valid_event_is_taken_in(stem: str) -> None:
    event = example(stem)
    assert decode_value(json.dumps(event).encode(), parse_time(event["time"])).id == event["id"]


def _place(error: Any) -> tuple[str, str]:
    return error.json_path, error.validator


def _fields(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each declared field; those that a condition only narrows are described where they are declared."""
    for name, field in node.get("properties", {}).items():
        yield f"{place}.{name}", field
        yield from _fields(field, f"{place}.{name}")
    for name, part in node.get("$defs", {}).items():
        yield from _fields(part, f"{place}#{name}")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)
