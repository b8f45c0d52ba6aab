"""Each alert has a runbook of one form, which names only existing metrics, alerts and files."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser as promql
import pytest

from tests.alerts.backlogs import mixes
from tests.alerts.rules import ALERTS, HELD, REPOSITORY, RUNBOOKS, SERIES, selectors
from tests.docs.documents import blocks, headings, text

INDEX = RUNBOOKS / "README.md"
METRICS = REPOSITORY / "docs" / "metrics.md"
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path != INDEX)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def split(block: str) -> list[str]:
    """Return the queries of a block: each begins a line, and may go on in indented ones."""
    return re.split(r"\n(?! )", block.strip())


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {page.stem for page in PAGES} == set(ALERTS)


@each_page
def test_a_runbook_has_the_parts_that_its_reader_looks_for(page: Path) -> None:
    assert headings(page) == [page.stem, "Meaning", "Impact", "Diagnosis", "Mitigation"]


@each_page
def test_queries_of_a_runbook_ask_metrics_and_labels_that_are_there(page: Path) -> None:
    asked = [query for block in blocks(page, "promql") for query in split(block)]
    assert asked, "a diagnosis begins with a query"
    for query in asked:
        for selector, _ in selectors(promql.parse(query)):
            assert selector.name is not None
            known = {*SERIES.get(selector.name, {"job"}), "instance"}
            assert selector.name in {*SERIES, "up"}, query
            assert {matcher.name for matcher in selector.matchers.matchers} <= known, query


@pytest.mark.parametrize("page", [*PAGES, METRICS], ids=lambda page: page.stem)
def test_no_query_of_a_page_mixes_two_backlogs(page: Path) -> None:
    for block in blocks(page, "promql"):
        for query in split(block):
            assert not mixes(query, HELD)


def test_the_index_names_each_alert_with_its_severity_under_its_area() -> None:
    rows = []
    for section in text(INDEX).split("\n## ")[1:]:
        area = section.split(":", 1)[0].lower()
        rows += [(area, *row) for row in re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", section, re.MULTILINE)]
    wanted = [(rule["labels"]["area"], name, rule["labels"]["severity"]) for name, rule in ALERTS.items()]
    assert sorted(rows) == sorted(wanted)
