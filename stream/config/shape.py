"""The mistakes that pydantic finds, in the words of the file: unknown or missing keys, wrong kinds of value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from stream.config import model
from stream.config.document import Document
from stream.config.mistake import Path, did_you_mean

# The model of each mapping in the file, by the keys on the path to it.
MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): model.FlowConfig,
    ("organisation",): model.ValueStream,
    ("organisation", "arts"): model.Art,
    ("organisation", "arts", "teams"): model.TeamConfig,
    ("portfolio",): model.Portfolio,
    ("workflows",): model.Workflow,
    ("workflows", "states"): model.States,
    ("backlogs",): model.Backlog,
    ("program_increments",): model.ProgramIncrement,
    ("iterations",): model.Iterations,
    ("sources",): model.Source,
    ("export",): model.Export,
    ("targets",): model.Target,
}


def read_shape(document: Document) -> model.FlowConfig | None:
    """Read the model; if the shape is wrong, note each mistake in the document and give None."""
    try:
        return model.FlowConfig.model_validate(document.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _complain(document, detail)
    return None


def _complain(document: Document, detail: Mapping[str, Any]) -> None:
    path: Path = detail["loc"]
    value = detail["input"]
    if path[-1:] == ("[key]",):
        path = path[:-1]
    kind = detail["type"]
    if kind == "too_short" and value:
        # Pydantic counts only valid entries; the invalid ones are reported one by one.
        return
    if kind == "missing":
        document.complain(path, f"is missing: give the {_field_help(path)}", None)
    elif kind == "extra_forbidden":
        document.complain(path, f"is not a key here: {_known(path)}", value)
    else:
        message = _sentence(kind, detail.get("ctx", {}))
        document.complain(path, f"{document.shown(path, value)} {message}", value)


def _sentence(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"is not known here: give {context['expected']}"
    if kind == "too_short":
        return "is not enough: give at least one entry"
    if kind == "too_long":
        return f"has {context['actual_length']} entries: give at most {context['max_length']}"
    if kind == "tuple_type":
        return "is not a list: write [a, b], or a line that begins with - for each entry"
    return "is not a mapping: write lines of key: value"


def _model_at(path: Path) -> type[BaseModel]:
    return MODELS[tuple(part for part in path[:-1] if isinstance(part, str))]


def _field_help(path: Path) -> str:
    text = str(_model_at(path).model_fields[str(path[-1])].description).rstrip(".")
    return text[0].lower() + text[1:] if text[1].islower() else text


def _known(path: Path) -> str:
    fields = _model_at(path).model_fields
    return did_you_mean(str(path[-1]), fields) or "use one of " + ", ".join(fields)
