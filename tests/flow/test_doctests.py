"""The examples in the docstrings of `stream.flow` are true."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import stream.flow


def test_the_examples_of_the_docstrings_hold() -> None:
    modules = [import_module(f"stream.flow.{found.name}") for found in pkgutil.iter_modules(stream.flow.__path__)]
    results = {module.__name__: doctest.testmod(module) for module in modules}
    assert {name: result.failed for name, result in results.items() if result.failed} == {}
    assert results["stream.flow.statistics"].attempted == 2
