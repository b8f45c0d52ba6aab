"""What must hold for every history, tested with generated ones that meet every awkward case."""

from __future__ import annotations

import os
from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import Event
from stream.flow.boards import Boards
from stream.flow.nodes import Node
from stream.flow.report import Reading, as_json
from stream.items.codec import decode_summary
from stream.items.objective import Objective
from tests.oracle.brute_force import compare_numbers, numbers
from tests.oracle.histories import configs, event_lists, instants
from tests.properties.engine import Engine, accepted, configured, microseconds

# `make soak` looks for what is rare.
TIMES = int(os.environ.get("SOAK", "1"))

Story = tuple[dict[str, Any], list[dict[str, Any]], datetime]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a configuration, events and an instant."""
    config = draw(configs())
    return config, draw(event_lists(config)), draw(instants())


def in_batches(events: list[Event], random: Random) -> list[list[Event]]:
    """Cut into batches of random sizes."""
    cuts = sorted(random.sample(range(1, len(events)), random.randint(0, len(events) - 1))) if events else []
    return [events[low:high] for low, high in zip([0, *cuts], [*cuts, len(events)], strict=True)]


@settings(max_examples=250 * TIMES, deadline=None)
@given(stories(), st.sampled_from([1, 1, 3]))
def test_numbers_equal_the_oracle(story: Story, partitions: int) -> None:
    config, envelopes, at = story
    pairs = accepted(envelopes)
    engine = Engine(configured(config), microseconds(at), partitions)
    engine.add([event for _, event in pairs])
    nodes = Reading(engine.config, engine.boards()).read(engine.now)
    actual = {"at": at.isoformat(), "nodes": [as_json(node, engine.now) for node in nodes]}
    assert compare_numbers(actual, numbers([envelope for envelope, _ in pairs], config, at)) == []


@settings(max_examples=150 * TIMES, deadline=None)
@given(stories(), st.randoms(use_true_random=False), st.sampled_from([1, 3]))
def test_order_multiplicity_and_batching_change_no_byte(story: Story, random: Random, partitions: int) -> None:
    config, envelopes, at = story
    events = [event for _, event in accepted(envelopes)]
    once = Engine(configured(config), microseconds(at), partitions)
    once.add(events)
    disordered = events + random.choices(events, k=len(events) // 5 + 1) if events else []
    random.shuffle(disordered)
    other = Engine(once.config, once.now, partitions)
    for batch in in_batches(disordered, random):
        other.add(batch)
    assert other.items == once.items
    # The header's last field says which partitions a summary was ever sent to: with one, the rows are the same bytes.
    strip = 25 if partitions > 1 else 0
    assert {k: v[strip:] for k, v in other.rows.items()} == {k: v[strip:] for k, v in once.rows.items()}
    names = {(event.source, event.id, event.item) for event in events}
    assert sum(other.counts.values()) == len(disordered)
    if not any(event.type == "flow.item.erased" for event in events):
        assert other.counts.get("applied", 0) == len(names)


@settings(max_examples=100 * TIMES, deadline=None)
@given(stories(), instants(), st.sampled_from([1, 3]))
def test_what_came_due_while_time_passed_is_as_if_it_had_come_at_once(
    story: Story, other: datetime, partitions: int
) -> None:
    config, envelopes, at = story
    events = [event for _, event in accepted(envelopes)]
    before, after = sorted([microseconds(at), microseconds(other)])
    waited, at_once = (Engine(configured(config), now, partitions) for now in (before, after))
    waited.add(events)
    waited.wait_until(after)
    at_once.add(events)
    expected = Reading(at_once.config, at_once.boards()).read(after)
    assert Reading(at_once.config, waited.boards()).read(after) == expected


@settings(max_examples=150 * TIMES, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_taking_out_undoes_putting_in(story: Story, random: Random) -> None:
    config, envelopes, at = story
    engine = Engine(configured(config), microseconds(at))
    engine.add([event for _, event in accepted(envelopes)])
    boards = Boards(engine.config, engine.derivation.partition)
    untouched = Reading(engine.config, boards).read(engine.now)
    for (partition, key), value in engine.items.items():
        boards.put(partition, key, decode_summary(value, engine.derivation.name))
    assert Reading(engine.config, boards).read(engine.now) == Reading(engine.config, engine.boards()).read(engine.now)
    keys = list(engine.items)
    random.shuffle(keys)
    for partition, key in keys:
        boards.put(partition, key, None)
    assert Reading(engine.config, boards).read(engine.now) == untouched


@settings(max_examples=150 * TIMES, deadline=None)
@given(stories(), st.sampled_from([1, 2, 5]))
def test_levels_reconcile_and_nothing_is_negative(story: Story, partitions: int) -> None:
    config, envelopes, at = story
    engine = Engine(configured(config), microseconds(at), partitions)
    engine.add([event for _, event in accepted(envelopes)])
    nodes = {row.node: as_json(row, engine.now) for row in Reading(engine.config, engine.boards()).read(engine.now)}
    for parent, numbers_ in nodes.items():
        parts = [child for node, child in nodes.items() if node.level == "team" and belongs(node, parent)]
        for sum_of in (load, blocked, *(window(label) for label in numbers_["windows"])):
            assert sum_of(numbers_) == sum(sum_of(part) for part in parts)
        assert_none_negative(numbers_)
        assert values(numbers_) == pytest.approx(sum_of_values(parts))
        assert numbers_["blocked_age_max"] == max(blocked_ages(parts), default=None)
    for value in engine.items.values():
        summary = decode_summary(value, engine.derivation.name)
        assert summary is not None
        assert isinstance(summary, Objective) or 0 <= summary.active <= sum(summary.stays.values())


def belongs(team: Node, parent: Node) -> bool:
    """Tell whether a team is below a node."""
    return all(name in ("", own) for name, own in zip(parent[1:], team[1:], strict=True))


def load(node: dict[str, Any]) -> int:
    """Give the load of a node."""
    return int(node["load"]["items"])


def blocked(node: dict[str, Any]) -> int:
    """Give the blocked items of a node."""
    return int(node["load"]["blocked"])


def blocked_ages(nodes: list[dict[str, Any]]) -> list[float]:
    """Give how long the longest-blocked item of each node has been blocked, of those that have one."""
    return [node["blocked_age_max"] for node in nodes if node["blocked_age_max"] is not None]


def values(node: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Give the sums of business value of a node, by program increment."""
    return {
        (pi, kind): sums[kind]
        for pi, sums in node["predictability"].items()
        for kind in ("planned", "actual", "projected")
    }


def sum_of_values(nodes: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """Sum up the values of nodes."""
    total: dict[tuple[str, str], float] = {}
    for node in nodes:
        for place, value in values(node).items():
            total[place] = total.get(place, 0.0) + value
    return total


def window(label: str) -> Any:
    """Give a function that reads a window's velocity and arrivals as one number."""
    return lambda node: node["windows"][label]["velocity"] * 1_000 + node["windows"][label]["arrivals"]


def assert_none_negative(value: Any) -> None:
    """Look for negative numbers anywhere."""
    if isinstance(value, dict):
        for part in value.values():
            assert_none_negative(part)
    elif isinstance(value, int | float):
        assert value >= 0
