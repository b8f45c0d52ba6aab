"""Reads the rules, their promtool tests and their runbooks for the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from stream.gauges.catalogue import CATALOGUE

REPOSITORY = Path(__file__).resolve().parents[2]
PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TEST_FILES = sorted((PROMETHEUS / "tests").glob("*.yml"))

# The suffixes of the series of each type in the text format.
SUFFIXES = {"gaugehistogram": ("_bucket", "_gcount", "_gsum"), "histogram": ("_bucket", "_count", "_sum")}
SERIES = {
    metric.name + suffix: {*metric.labels, *(["le"] if suffix == "_bucket" else [])}
    for metric in CATALOGUE
    for suffix in SUFFIXES.get(metric.type, ("",))
}
WORKER = frozenset({"instance", "job"})

_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


def read(path: Path) -> dict[str, Any]:
    """Read a YAML file."""
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def rules(path: Path) -> list[dict[str, Any]]:
    """Return the rules of a file, in the order of their evaluation."""
    return [rule for group in read(path)["groups"] for rule in group["rules"]]


RULES = [rule for path in RULE_FILES for rule in rules(path)]
RECORDS = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
# The labels by which `mixes` knows a number of one backlog, for records and for Prometheus' own series too.
HELD = {
    **SERIES,
    **{name: {"backlog"} & SERIES.get(name.split(":")[1], set()) for name in RECORDS},
    "up": {"instance", "job"},
}


Selected = tuple[promql.VectorSelector, frozenset[str]]


def selectors(expr: promql.Expr | None, aggregated: frozenset[str] = frozenset()) -> Iterator[Selected]:
    """Yield each vector selector of an expression, with the labels that a `max without` around it removes."""
    match expr:
        case promql.VectorSelector():
            yield expr, aggregated
        case promql.MatrixSelector():
            yield from selectors(expr.vector_selector, aggregated)
        case promql.AggregateExpr():
            without = _without(expr) if str(expr.op) == "max" else frozenset()
            yield from selectors(expr.expr, aggregated | without)
        case promql.BinaryExpr():
            yield from selectors(expr.lhs, aggregated)
            yield from selectors(expr.rhs, aggregated)
        case promql.Call():
            for argument in expr.args:
                yield from selectors(argument, aggregated)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from selectors(expr.expr, aggregated)


def _without(expr: promql.AggregateExpr) -> frozenset[str]:
    grouping = expr.modifier
    if grouping is None or "Without" not in str(grouping.type):
        return frozenset()
    return frozenset(grouping.labels)


def queries(annotation: str) -> list[str]:
    """Return the PromQL queries of a template, with some value for each variable."""
    return [found.replace("%q", '"x"') for found in re.findall(r'printf\s+"([^"]*\{[^"]*)"', annotation)]


def seconds(duration: str) -> float:
    """Parse a duration such as 1h30m."""
    parts = {_UNITS[unit]: int(number) for number, unit in re.findall(r"(\d+)([hms])", duration)}
    return timedelta(**parts).total_seconds()
