"""The published documents: schemas by file name, and a validator that resolves their references to one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = SCHEMAS / "examples"
# The configuration's schema has tests of its own.
NAMES = (
    "alert",
    "dead-letter",
    "event",
    "item-summary",
    "node-measured",
    "node-metrics",
    "objective-summary",
    "replay",
)


def schema(name: str) -> dict[str, Any]:
    """Read a schema; `name` is the file's name without `.schema.json`."""
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return read


def registry() -> Registry[Any]:
    """Give all schemas under their `$id`."""
    found = [(schema(name)["$id"], Resource.from_contents(schema(name))) for name in NAMES]
    empty: Registry[Any] = Registry()
    return empty.with_resources(found)


def validator(name: str) -> Draft202012Validator:
    """Make a validator of one schema."""
    return Draft202012Validator(schema(name), registry=registry())


def asyncapi() -> dict[str, Any]:
    """Read the AsyncAPI document."""
    read: dict[str, Any] = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())
    return read


def example(name: str) -> Any:
    """Read an example; `name` is the file's name without `.json`."""
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def examples(schema_name: str, kind: str) -> list[str]:
    """Name a schema's examples of a kind, `valid` or `invalid`."""
    return sorted(path.stem for path in EXAMPLES.glob(f"{schema_name}.{kind}*.json"))
