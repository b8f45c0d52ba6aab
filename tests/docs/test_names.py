"""Each class name is defined once in `stream/`, so that a reader need not ask which class is meant."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.docs.documents import REPOSITORY


def classes() -> dict[str, list[str]]:
    """Give the modules that define each class."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((REPOSITORY / "stream").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(REPOSITORY)))
    return found


def test_no_class_name_is_defined_twice() -> None:
    twice = {name: modules for name, modules in classes().items() if len(modules) > 1}
    assert twice == {}, "give each class a name of its own"


def test_classes_are_found() -> None:
    assert classes()["Boards"] == ["stream/flow/boards.py"]
