"""Adds a field to the examples of a schema that requires it now. Change the schema first.

For example `python -m tests.contract.add_field node-metrics returned 0`. It changes every object of that schema, also
in the examples of other schemas. It also raises their `v` where the schema's has been raised by one.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.contract.documents import EXAMPLES, NAMES, schema

Json = dict[str, Any]


def with_field(node: Any, described: Json, field: str, value: Any) -> Any:
    """Give a copy in which every object that the schema describes has the field, in the schema's order."""
    if isinstance(node, list):
        return [with_field(part, described, field, value) for part in node]
    if not isinstance(node, dict):
        return node
    found = {name: with_field(part, described, field, value) for name, part in node.items()}
    if not _is_described(node, described, field) or field in node:
        return found
    order = [*described["required"], *(name for name in node if name not in described["required"])]
    places = {name: place for place, name in enumerate(order)}
    before = [name for name in found if places[name] < places[field]]
    at = 0 if not before else list(found).index(before[-1]) + 1
    items = list(found.items())
    return dict([*items[:at], (field, value), *items[at:]])


def with_version(example: Any) -> Any:
    """Give a copy with the version of its schema, if it has the one before it."""
    for name in NAMES:
        version = schema(name)["properties"].get("v", {}).get("const")
        if version and isinstance(example, dict) and example.get("v") == version - 1:
            return example | {"v": version}
    return example


def _is_described(node: Json, described: Json, field: str) -> bool:
    """Whether the object is of the schema; invalid examples may lack one of its fields."""
    required = {*described["required"]} - {field}
    return len(required - node.keys()) <= 1 and len(required) > 2


def main(name: str, field: str, text: str) -> None:
    """Rewrite all examples."""
    described = schema(name)
    if field not in described["required"]:
        sys.exit(f"schemas/{name}.schema.json does not require {field!r}: change it first")
    for path in sorted(EXAMPLES.glob("*.json")):
        before = json.loads(path.read_text("utf-8"))
        after = with_version(with_field(before, described, field, json.loads(text)))
        if json.dumps(after) != json.dumps(before):
            path.write_text(json.dumps(after, indent=2, ensure_ascii=False) + "\n", "utf-8")
            print(path.relative_to(EXAMPLES.parents[1]))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
