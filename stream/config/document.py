"""A YAML document: each value with its line and the text as written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from stream.config.mistake import Mistake, Mistakes, Path, key_of, quoted

# Aliases may repeat a value many times: without a bound, a short file could unfold without end.
MAX_VALUES = 500_000
MAX_BITS = 62


class Document:
    """A YAML document as dicts, lists and scalars, with the line of each value by its path.

    Mistakes that leave the rest readable are collected in `mistakes`. If the text is not YAML, the constructor raises
    Mistakes. `numbers` has the values that YAML read as numbers, by path.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.mistakes: list[Mistake] = []
        self.numbers: dict[Path, int | float] = {}
        self._lines: dict[Path, int] = {}
        self._written: dict[Path, str] = {}
        self._scalars = yaml.constructor.SafeConstructor()
        try:
            self.data = self._read(_compose(text, name), ())
        except RecursionError:
            _refuse(name, None, "is nested too deeply: write it like the reference flow.yaml")

    def _read(self, node: yaml.Node, path: Path) -> object:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if len(self._lines) > MAX_VALUES:
            line = node.start_mark.line + 1
            _refuse(self.name, line, f"has more than {MAX_VALUES} values: make the file smaller")
        if isinstance(node, yaml.ScalarNode) and node.tag in self._scalars.yaml_constructors:
            return self._scalar(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self._read(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        self.complain(path, f"has the tag {quoted(node.tag)}, which is not supported: leave it out", None)
        return None

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._add(line, path, "key << is not supported: write its keys out", None)
            elif key_node.tag != "tag:yaml.org,2002:str" or not isinstance(key, str):
                shown = key if isinstance(key, str) else "a list or mapping"
                self._add(line, path, f"key {shown} is not text to YAML: quote it", None)
            elif key in found:
                message = f"this key is already on line {self._lines[(*path, key)]}: remove one of them"
                self._add(line, (*path, key), message, None)
            else:
                self._lines[(*path, key)] = line
                found[key] = self._read(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        self._written[path] = node.value
        try:
            value = self._scalars.construct_object(node)
        # PyYAML lets these errors out for scalars such as `!!bool perhaps` or 2026-13-01.
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError):
            kind = node.tag.rpartition(":")[2]
            message = f"{quoted(node.value)} is not a valid {kind}, but YAML reads it as one: fix or quote it"
            self.complain(path, message, None)
            return None
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            self.complain(path, f"{quoted(node.value)[1:-1]} is too large: give a number of at most 18 digits", None)
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers[path] = value
        return value

    def _add(self, line: int, path: Path, message: str, value: object) -> None:
        self.mistakes.append(Mistake(self.name, line, key_of(path), value, message))

    def complain(self, path: Path, message: str, value: object) -> None:
        """Note a mistake at a path; if the path is missing, on the line of the value that should hold it."""
        place = path
        while place not in self._lines:
            place = place[:-1]
        self._add(self._lines[place], path, message, value)

    def line(self, path: Path) -> int:
        """Give the line of an existing value."""
        return self._lines[path]

    def shown(self, path: Path, value: object) -> str:
        """Quote a value as it was written."""
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, dict | list):
            kind = "mapping" if isinstance(value, dict) else "list"
            return f"a {kind}" if value else f"an empty {kind}"
        return "an empty value" if value is None else quoted(self._written[path])[1:-1]

    def written(self, path: Path) -> str:
        """Give the text of a scalar as it is in the file."""
        return self._written[path]

    def at(self, pattern: str) -> Iterator[tuple[Path, Any]]:
        """Give the paths and values that match a dotted pattern; `*` matches each entry. Missing keys give nothing."""
        found: list[tuple[Path, Any]] = [((), self.data)]
        for step in pattern.split("."):
            found = [((*path, key), value) for path, node in found for key, value in _entries(node, step)]
        return iter(found)

    def texts(self, pattern: str) -> Iterator[tuple[Path, str]]:
        """Give those matches of `at` whose value is text."""
        return ((path, value) for path, value in self.at(pattern) if isinstance(value, str))


def _compose(text: str, name: str) -> yaml.Node:
    try:
        # libyaml's loader is faster, but deep nesting overflows its stack and ends the process.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        _refuse(name, line, f"character U+{int(error.character):04X} is not allowed in YAML: leave it out")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        _refuse(name, mark.line + 1 if mark else None, f"not YAML: {problem}: fix the syntax")
    if node is None:
        _refuse(name, None, "is empty: give at least version, organisation and workflows")
    return node


def _refuse(name: str, line: int | None, message: str) -> NoReturn:
    raise Mistakes([Mistake(name, line, "", None, message)]) from None


def _entries(node: object, step: str) -> list[tuple[str | int, Any]]:
    if isinstance(node, list):
        return list(enumerate(node)) if step == "*" else []
    if not isinstance(node, dict):
        return []
    return list(node.items()) if step == "*" else [(step, node[step])] if step in node else []
