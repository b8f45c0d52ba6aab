"""No query mixes two backlogs: an epic, its features and their stories are the same work, and are never summed.

`mixes` follows the label `backlog` through an expression. It is strict: whatever it does not know, it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import promql_parser as promql

from tests.alerts.rules import selectors

# What the series of a value say of their backlog: nothing, each its own, or (any other text) all this one.
NONE, EACH = "", "each"
# Targets may be counted: each is a number of one backlog, by itself.
TARGETS = "flow_target_"


class Mixed(AssertionError):
    """An expression puts numbers of two backlogs together."""


def mixes(query: str, labels: Mapping[str, AbstractSet[str]]) -> str:
    """Say where a query mixes backlogs; empty if nowhere. `labels` gives the labels of each series."""
    try:
        held(promql.parse(query), labels)
    except Mixed as found:
        return str(found)
    return ""


def held(expr: promql.Expr, labels: Mapping[str, AbstractSet[str]]) -> str:
    """Return what the series of an expression say of their backlog."""
    match expr:
        case promql.VectorSelector():
            found = _selected(expr, labels)
        case promql.MatrixSelector():
            found = _selected(expr.vector_selector, labels)
        case promql.AggregateExpr():
            found = _aggregated(expr, held(expr.expr, labels))
        case promql.BinaryExpr():
            found = _joined(expr, held(expr.lhs, labels), held(expr.rhs, labels))
        case promql.Call():
            found = _called(expr, labels)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            found = held(expr.expr, labels)
        case promql.NumberLiteral() | promql.StringLiteral():
            found = NONE
        case _:
            raise Mixed(f"{expr}: what is this?")
    return found


def _selected(expr: promql.VectorSelector, labels: Mapping[str, AbstractSet[str]]) -> str:
    assert expr.name is not None
    if "backlog" not in labels[expr.name]:
        return NONE
    chosen = [m.value for m in expr.matchers.matchers if m.name == "backlog" and m.op == promql.MatchOp.Equal]
    return f"={chosen[0]}" if chosen and chosen[0] else EACH


def _aggregated(expr: promql.AggregateExpr, inner: str) -> str:
    if inner != EACH or _keeps(expr, "backlog"):
        return inner
    if _keeps(expr, "target") and all(str(each.name).startswith(TARGETS) for each, _ in selectors(expr)):
        return NONE
    raise Mixed(f"{expr}: aggregates over backlogs")


def _keeps(expr: promql.AggregateExpr, label: str) -> bool:
    if expr.modifier is None:
        return False
    return (label in expr.modifier.labels) == (expr.modifier.type == promql.AggModifierType.By)


def _joined(expr: promql.BinaryExpr, left: str, right: str) -> str:
    if NONE in {left, right}:
        return right if left == NONE else left
    if EACH not in {left, right} and left != right:
        raise Mixed(f"{expr}: joins {left} and {right}")
    matching = expr.modifier.matching if expr.modifier else None
    if (
        EACH in {left, right}
        and matching
        and ("backlog" in matching.labels) != (matching.type == promql.LabelModifierType.Include)
    ):
        raise Mixed(f"{expr}: matches series of any backlogs")
    return left if left != EACH else right


def _called(expr: promql.Call, labels: Mapping[str, AbstractSet[str]]) -> str:
    if expr.func.name in {"absent", "absent_over_time"}:
        return NONE
    if expr.func.name in {"label_replace", "label_join"} and expr.args[1].val == "backlog":
        raise Mixed(f"{expr}: overwrites the backlog")
    found = {held(argument, labels) for argument in expr.args} - {NONE}
    if len(found) > 1:
        raise Mixed(f"{expr}: takes several")
    return found.pop() if found else NONE
