"""What must hold for every history, tested with generated ones that meet every awkward case."""

from __future__ import annotations

import os
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import Event
from stream.flow.boards import Boards
from stream.flow.report import Reading
from stream.items.codec import decode_counted
from tests.oracle.brute_force import compare_numbers, numbers
from tests.oracle.configurations import configs
from tests.oracle.histories import event_lists, instants
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
    assert compare_numbers(engine.numbers(), numbers([envelope for envelope, _ in pairs], config, at)) == []


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
        boards.put(partition, key, decode_counted(value, engine.derivation.name))
    assert Reading(engine.config, boards).read(engine.now) == Reading(engine.config, engine.boards()).read(engine.now)
    keys = list(engine.items)
    random.shuffle(keys)
    for partition, key in keys:
        boards.put(partition, key, None)
    assert Reading(engine.config, boards).read(engine.now) == untouched
