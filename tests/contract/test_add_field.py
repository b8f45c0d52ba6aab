"""The command that adds a required field to the examples."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.contract.add_field import with_field, with_version
from tests.contract.documents import example, schema, validator


@pytest.mark.parametrize("stem", ["item-summary.valid", "node-measured.valid", "replay.valid"])
def test_examples_have_the_new_field_in_the_schemas_order(stem: str) -> None:
    name = "item-summary" if stem.startswith("item") else "node-metrics"
    described = deepcopy(schema(name))
    described["required"].insert(4, "new")
    written = with_field(example(stem), described, "new", 0)
    node = written["nodes"][0] if stem.startswith("replay") else written.get("data", written)
    before = list(node)[: list(node).index("new")]
    assert before
    assert set(before) <= {"at", *described["required"][:4]}
    assert with_field(written, described, "new", 1) == written


def test_an_object_without_one_of_its_fields_still_lacks_it() -> None:
    stem = "item-summary.invalid-missing-owner"
    described = deepcopy(schema("item-summary"))
    described["required"].append("new")
    written = with_field(example(stem), described, "new", 0)
    assert written.keys() - example(stem).keys() == {"new"}
    assert not validator("item-summary").is_valid(written)


def test_only_the_version_before_is_raised() -> None:
    [now] = {schema(name)["properties"]["v"]["const"] for name in ("item-summary", "objective-summary")}
    assert [with_version({"v": version}) for version in (now - 2, now - 1, now)] == [
        {"v": now - 2},
        {"v": now},
        {"v": now},
    ]
