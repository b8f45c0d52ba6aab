"""Every query of every dashboard parses, and uses only metrics and labels of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
from promql_parser import AggModifierType, AggregateExpr, BinaryExpr, Call, MatrixSelector, VectorSelector

from stream.gauges.catalogue import CATALOGUE
from tests.alerts.backlogs import mixes
from tests.dashboards.material import Board, Query, boards, panels, queries
from tests.docs.generate import REPOSITORY

SUFFIXES = {
    "gauge": [""],
    "counter": [""],
    "gaugehistogram": ["_bucket", "_gcount", "_gsum"],
    "histogram": ["_bucket", "_count", "_sum"],
}
SERIES = {
    metric.name + suffix: {*metric.labels, "instance", "job", *(["le"] if suffix == "_bucket" else [])}
    for metric in CATALOGUE
    for suffix in SUFFIXES[metric.type]
}
TYPES = {metric.name + suffix: metric.type for metric in CATALOGUE for suffix in SUFFIXES[metric.type]}
ALL = list(queries())

each_query = pytest.mark.parametrize("query", ALL, ids=[f"{q.dashboard}/{q.panel}/{n}" for n, q in enumerate(ALL)])


def parts(expr: Any) -> Iterator[Any]:
    """Yield an expression and all expressions in it."""
    yield expr
    inner = [getattr(expr, name, None) for name in ("lhs", "rhs", "expr", "param", "vector_selector")]
    for part in [*inner, *getattr(expr, "args", [])]:
        if part is not None:
            yield from parts(part)


def labels(expr: Any) -> set[str]:
    """Return the labels of an expression's result."""
    if isinstance(expr, VectorSelector):
        return set(SERIES[expr.name])
    if isinstance(expr, MatrixSelector):
        return labels(expr.vector_selector)
    if isinstance(expr, AggregateExpr):
        return aggregated(expr)
    if isinstance(expr, Call):
        return called(expr)
    if isinstance(expr, BinaryExpr):
        left, right = labels(expr.lhs), labels(expr.rhs)
        return left | right if expr.op == "or" or not left else left
    return labels(expr.expr) if hasattr(expr, "expr") else set()


def aggregated(expr: AggregateExpr) -> set[str]:
    within = labels(expr.expr)
    if str(expr.op) in {"topk", "bottomk"}:
        return within
    if expr.modifier is None:
        return set()
    named = set(expr.modifier.labels)
    assert named <= within | {"instance", "job"}, f"{named - within} are no labels of {expr.expr}"
    return named if expr.modifier.type == AggModifierType.By else within - named


def called(expr: Call) -> set[str]:
    if expr.func.name in {"vector", "time"}:
        return set()
    if expr.func.name == "label_join":
        sources = {argument.val for argument in expr.args[3:]}
        assert sources <= labels(expr.args[0])
        return labels(expr.args[0]) | {expr.args[1].val}
    within = set().union(*(labels(argument) for argument in expr.args))
    return within - {"le"} if expr.func.name == "histogram_quantile" else within


@each_query
def test_query_parses_and_names_only_what_the_engine_shows(query: Query) -> None:
    selectors = [part for part in parts(promql_parser.parse(query.expr)) if isinstance(part, VectorSelector)]
    assert selectors
    for selector in selectors:
        assert selector.name in SERIES, f"{selector.name} is not in the catalogue"
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= SERIES[selector.name], f"{selector.name} has no {used - SERIES[selector.name]}"


@each_query
def test_legend_and_grouping_use_labels_that_the_result_has(query: Query) -> None:
    result = labels(promql_parser.parse(query.expr))
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= result


@each_query
def test_only_counters_are_taken_the_rate_of(query: Query) -> None:
    for part in parts(promql_parser.parse(query.expr)):
        if isinstance(part, MatrixSelector):
            assert TYPES[part.vector_selector.name] in {"counter", "histogram"}, part.vector_selector.name


@each_query
def test_what_workers_may_show_twice_is_brought_down_to_one_series(query: Query) -> None:
    """Each series of the organisation is directly inside `max without (instance, job)`."""
    tree = promql_parser.parse(query.expr)
    once = {
        str(part.expr)
        for part in parts(tree)
        if isinstance(part, AggregateExpr)
        and str(part.op) == "max"
        and part.modifier is not None
        and part.modifier.type == AggModifierType.Without
        and set(part.modifier.labels) == {"instance", "job"}
    }
    for part in parts(tree):
        if isinstance(part, VectorSelector) and "team" in SERIES[part.name]:
            assert {str(part), f"({part})"} & once, f"{part} may come from two workers"


@each_query
def test_no_query_mixes_two_backlogs(query: Query) -> None:
    assert not mixes(query.expr, SERIES)


@pytest.mark.parametrize("board", boards(), ids=lambda board: str(board["uid"]))
def test_each_number_of_a_node_is_of_the_chosen_backlog(board: Board) -> None:
    """On the engine's board there is nothing to choose: it shows each backlog beside the others."""
    for panel in panels(board):
        for target in panel["targets"]:
            asked = [m for m in re.findall(r"(flow_\w+)(?:\{([^}]*)\})?", target["expr"]) if has_backlog(m[0])]
            chosen = {"".join(re.findall('backlog="([^"]*)"', matchers)) for _, matchers in asked}
            if board["uid"] == "flowgauge-engine":
                assert chosen <= {""}
                assert not asked or "backlog" in target["expr"]
            elif "wall" not in board["uid"]:
                assert chosen <= {"$backlog"}, panel["title"]
            else:
                assert len(chosen - {"", "$backlog"}) == len(chosen) <= 1, panel["title"]


def has_backlog(series: str) -> bool:
    """Return whether a series is a number of a backlog; each target is one by itself."""
    return "backlog" in SERIES.get(series, ()) and not series.startswith("flow_target_")


def test_histograms_are_shown_under_the_names_that_queries_use() -> None:
    page = (REPOSITORY / "tests/gauges/golden.prom").read_text(encoding="utf-8")
    for name in (*(f"flow_time_seconds{suffix}" for suffix in SUFFIXES["gaugehistogram"]), "flow_events_total"):
        assert re.search(rf"^{name}[{{ ]", page, re.MULTILINE), name


def test_variables_are_read_from_labels_that_their_metrics_have() -> None:
    for board in boards():
        for variable in board["templating"].get("list", []):
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((\w+)(?:\{(.*)\})?, (\w+)\)", variable["query"]["query"])
                assert found is not None
                name, matchers, label = found.groups()
                used = {label, *re.findall(r"(\w+)=", matchers or "")}
                assert used <= SERIES[name]


def test_queries_leave_no_variable_unfilled() -> None:
    assert len(ALL) > 100
    assert not [query for query in ALL if "$" in query.expr]
