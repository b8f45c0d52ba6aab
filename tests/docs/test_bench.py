"""The figures of speed and size in the documents are the measured ones, as `benchmarks/results.json` keeps them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.report import DOCUMENTS, LEFT_OUT, PARTS, compact, filled, results

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_the_measured_parts_are_those_of_the_results(document: Path) -> None:
    text = document.read_text("utf-8")
    assert filled(text, results()) == text, "run: make bench-report"


def test_every_part_is_in_a_document() -> None:
    found = [re.findall(r"<!-- bench: (\w+) -->", document.read_text("utf-8")) for document in DOCUMENTS]
    assert {name for names in found for name in names} == set(PARTS)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_other_results_would_be_found_out(name: str) -> None:
    assert PARTS[name](_doubled(results())) != PARTS[name](results())


def _doubled(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: inner if name == "size" else _doubled(inner) for name, inner in found.items()}
    return found * 2 if isinstance(found, int | float) and not isinstance(found, bool) else found


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_part_that_was_not_measured_is_named(name: str) -> None:
    with pytest.raises(BenchmarkError, match="the results lack the part"):
        PARTS[name]({})


def test_the_results_are_small_and_do_not_identify_the_machine() -> None:
    kept = compact({"machine": {"system": "x", "date": "d"}, "p": {"s": 1 / 3, "rounds": [{"s": 1}] * 3}})
    assert kept == {"machine": {"date": "d"}, "p": {"s": 0.333333, "rounds": 3}}
    assert LEFT_OUT.isdisjoint(results()["machine"])
    assert compact(results()) == results()
