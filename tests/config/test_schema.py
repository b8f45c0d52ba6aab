"""The kept schema is the model's, says what every field is, and agrees with the examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel

from stream.config.document import Document
from stream.config.loading import load_config, parse_config
from stream.config.mistake import Mistakes
from stream.config.model import FlowConfig
from stream.config.schema import KEPT, flow_config_schema, write
from stream.config.shape import MODELS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "schemas" / "examples"
REFERENCE = ROOT / "deploy" / "flow.yaml"
VALID = sorted(EXAMPLES.glob("flow-config.valid*.yaml"))
INVALID = sorted(EXAMPLES.glob("flow-config.invalid-*.yaml"))
# The parts that are one mapping, not a list of them.
MAPPINGS = ("states", "portfolio", "iterations", "export")
GOOD = sorted((ROOT / "tests" / "config").glob("*.good.yaml"))


def as_json(path: Path) -> Any:
    """The file's content as an editor takes it, which knows no dates."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text()), default=date.isoformat))


def test_the_kept_schema_is_the_model(tmp_path: Path) -> None:
    write(str(tmp_path / "schema.json"))
    mend = 'write it again: python -c "from stream.config.schema import write; write()"'
    assert (tmp_path / "schema.json").read_text() == (ROOT / KEPT).read_text(), mend


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(flow_config_schema())


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    parts: dict[str, dict[str, Any]] = {"": schema, **schema["$defs"]}
    for name, schema_part in parts.items():
        for key, field in schema_part.get("properties", {}).items():
            yield f"{name}.{key}", field


def test_every_field_is_described() -> None:
    found = dict(fields(flow_config_schema()))
    assert len(found) > 40
    assert [name for name, field in found.items() if not field.get("description")] == []


def test_every_model_has_its_place() -> None:
    base = FlowConfig.__bases__[0]
    assert set(MODELS.values()) == set(base.__subclasses__())


def test_the_reference_names_every_key() -> None:
    document = Document(REFERENCE.read_text(), "flow.yaml")
    missing = [key for way, model in MODELS.items() for key in model.model_fields if not stands(document, way, key)]
    assert missing == []


def steps_of(part: str) -> tuple[str, ...]:
    return (part,) if part in MAPPINGS else (part, "*")


def stands(document: Document, way: tuple[str, ...], key: str) -> bool:
    steps = [step for part in way for step in steps_of(part)]
    return any(True for _ in document.at(".".join([*steps, key])))


@pytest.mark.parametrize("path", [*VALID, *GOOD, REFERENCE], ids=lambda path: path.name)
def test_the_valid_pass(path: Path) -> None:
    assert list(Draft202012Validator(flow_config_schema()).iter_errors(as_json(path))) == []
    assert isinstance(load_config(path), BaseModel)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_the_invalid_fail_where_they_say(path: Path) -> None:
    text = path.read_text()
    [expected] = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect: ")]
    with pytest.raises(Mistakes) as caught:
        parse_config(text, path.name)
    assert str(caught.value) == f"{path.name}:{expected}"
    [error] = Draft202012Validator(flow_config_schema()).iter_errors(as_json(path))
    # A schema error names the mapping of an unknown or missing key, the reader the key itself.
    key = caught.value.mistakes[0].key
    assert key.startswith(error.json_path.removeprefix("$").removeprefix("."))


def test_there_are_examples() -> None:
    assert len(VALID) >= 1
    assert len(INVALID) >= 4
