"""Levels reconcile: in each backlog, a node has what it owns itself and what all nodes below it own, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.flow.nodes import Node
from stream.flow.report import as_json
from stream.items.codec import decode_counted
from stream.items.objective import Objective
from tests.properties.engine import Engine, accepted, configured, microseconds
from tests.properties.test_engine import TIMES, Story, stories

Rows = dict[Node, dict[str, Any]]
Sums = dict[tuple[str, ...], float]

# What is counted or summed up; all other numbers of a node are statistics, which do not add up.
NOW = ("items", "points", "unestimated", "by_type", "by_state", "blocked")
IN_A_WINDOW = (
    "arrivals",
    "velocity",
    "velocity_points",
    "unestimated",
    "velocity_by_type",
    "without_start",
    "active_seconds",
    "elapsed_seconds",
    "state_seconds",
)


@settings(max_examples=150 * TIMES, deadline=None)
@given(stories(), st.sampled_from([1, 2, 5]))
def test_levels_reconcile_and_nothing_is_negative(story: Story, partitions: int) -> None:
    config, envelopes, at = story
    engine = Engine(configured(config), microseconds(at), partitions)
    engine.add([event for _, event in accepted(envelopes)])
    rows = {row.node: as_json(row, engine.now) for row in engine.read()}
    for parent, numbers in rows.items():
        parts = [row for node, row in rows.items() if node.is_owner and is_part(node, parent)]
        assert alive(sums(numbers)) == pytest.approx(alive(added(parts)))
        assert numbers["blocked_age_max"] == max(blocked_ages(parts), default=None)
        assert_none_negative(numbers)
    for value in engine.items.values():
        summary = decode_counted(value, engine.derivation.name)
        assert summary is not None
        assert isinstance(summary, Objective) or 0 <= summary.active <= sum(summary.stays.values())


@settings(max_examples=100 * TIMES, deadline=None)
@given(stories(), st.sampled_from([1, 2, 5]))
def test_predictability_reconciles_beside_whichever_backlog_it_stands(story: Story, partitions: int) -> None:
    config, envelopes, at = story
    engine = Engine(configured(config), microseconds(at), partitions)
    engine.add([event for _, event in accepted(envelopes)])
    rows = {row.node: as_json(row, engine.now) for row in engine.read()}
    shown = {node[:4]: row for node, row in rows.items() if row["predictability"] and not node.own}
    assert len(shown) == len([row for row in rows.values() if row["predictability"]])
    teams = [row for (level, *_), row in shown.items() if level == "team"]
    for names, numbers in shown.items():
        below = [row for row in teams if all(name in ("", row[key]) for key, name in zip(KEYS, names[1:], strict=True))]
        assert values(numbers) == pytest.approx(total(map(values, below)))
    assert values(shown.get(("portfolio", "", "", ""), {})) == pytest.approx(total(map(values, teams)))


KEYS = ("value_stream", "art", "team")


def is_part(owner: Node, parent: Node) -> bool:
    """Tell whether what an owner has in a backlog is part of what the parent has in it."""
    if parent.own:
        return owner == parent
    names = zip(parent[1:4], owner[1:4], strict=True)
    return owner.backlog == parent.backlog and all(name in ("", own) for name, own in names)


def sums(row: dict[str, Any]) -> Sums:
    """Give all numbers of a node that add up, by their place in its object."""
    found = dict(flat((), {key: row["load"][key] for key in NOW}))
    found |= flat(("unmapped",), row["unmapped"])
    for label, window in row["windows"].items():
        found |= flat((label,), {key: window[key] for key in IN_A_WINDOW})
        found[label, "flow_time", "count"] = window["flow_time"]["count"]
    return found


def flat(place: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], float]]:
    """Give the numbers in an object, each with its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flat((*place, key), part)
    else:
        yield place, value


def added(rows: list[dict[str, Any]]) -> Sums:
    """Add up the numbers of nodes."""
    return total(map(sums, rows))


def total(many: Any) -> Any:
    """Add up sums by their place."""
    found: dict[Any, float] = {}
    for one in many:
        for place, value in one.items():
            found[place] = found.get(place, 0) + value
    return found


def alive(found: Sums) -> Sums:
    """Leave out what is zero."""
    return {place: value for place, value in found.items() if value}


def blocked_ages(rows: list[dict[str, Any]]) -> list[float]:
    """Give how long the longest-blocked item of each node has been blocked, of those that have one."""
    return [row["blocked_age_max"] for row in rows if row["blocked_age_max"] is not None]


def values(row: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Give the sums of business value of a node, by program increment."""
    return {
        (pi, kind): found[kind]
        for pi, found in row.get("predictability", {}).items()
        for kind in ("planned", "actual", "projected")
    }


def assert_none_negative(value: Any) -> None:
    """Look for negative numbers anywhere."""
    if isinstance(value, dict):
        for part in value.values():
            assert_none_negative(part)
    elif isinstance(value, int | float):
        assert value >= 0
