"""What a summary says of an item's past, held against the oracle's lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given, settings

from stream.flow.parents import children_of
from stream.items.summary import Spell, Stamp, Summary
from tests.items.whole import read_whole
from tests.oracle.histories import BEGIN, STEP, STEPS
from tests.oracle.lives import Life, Moment, lives
from tests.oracle.nodes import entries
from tests.oracle.past import children, completed_stays, left_at, load_at, spells, state_since
from tests.oracle.rules import belongs
from tests.properties.engine import Engine, accepted, configured, microseconds
from tests.properties.test_engine import TIMES, Story, stories

ZERO = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def summaries_and_lives(story: Story) -> tuple[list[Summary], list[Life]]:
    """Fold a story, and replay it by the oracle."""
    config, envelopes, at = story
    pairs = accepted(envelopes)
    engine = Engine(configured(config), microseconds(at))
    engine.add([event for _, event in pairs])
    decoded = [read_whole(value, engine.derivation.name) for value in engine.items.values()]
    found = sorted((each for each in decoded if isinstance(each, Summary)), key=lambda each: each.item)
    return found, lives([envelope for envelope, _ in pairs], config, at)


@settings(max_examples=200 * TIMES, deadline=None)
@given(stories())
def test_summaries_tell_the_lives_of_the_oracle(story: Story) -> None:
    summaries, many = summaries_and_lives(story)
    assert [shown(summary) for summary in summaries] == [expected(life) for life in many]


@settings(max_examples=100 * TIMES, deadline=None)
@given(stories())
def test_past_load_follows_from_spells(story: Story) -> None:
    config, _, at = story
    summaries, many = summaries_and_lives(story)
    backlogs = {spell.backlog for summary in summaries for spell in summary.spells if spell.backlog is not None}
    for then in [BEGIN + step * STEP for step in range(STEPS) if BEGIN + step * STEP <= at]:
        for node in entries(config):
            for backlog in backlogs:
                now = [spell for each in summaries for spell in each.spells if covers(spell, then)]
                count = len([each for each in now if each.backlog == backlog and belongs(tuple(each.owner), node)])
                assert count == len(load_at(many, node, backlog, then))


@settings(max_examples=50 * TIMES, deadline=None)
@given(stories())
def test_children_follow_from_parents(story: Story) -> None:
    summaries, many = summaries_and_lives(story)
    for parent in {life.item for life in many} | {"elsewhere"}:
        assert children_of(parent, summaries) == children(many, parent)


def covers(spell: Spell, then: datetime) -> bool:
    """Tell whether the spell lasted at an instant."""
    instant = microseconds(then)
    return spell.begin <= instant and (spell.end is None or instant < spell.end)


def shown(summary: Summary) -> dict[str, Any]:
    """Write a summary in the oracle's words. A spell without a backlog is in no load."""
    placed = [each for each in summary.spells if each.backlog is not None]
    return {
        "item": summary.item,
        "backlog": summary.backlog,
        "key": summary.key,
        "parent": summary.parent,
        "points": exact(summary.points),
        "state_since": instant_of(summary.state_since),
        # The points that an item had at its start are in no number.
        "start": stamped(summary.start)[:-1],
        "finish": stamped(summary.finish),
        "stays": {state: lasted * MICROSECOND for state, lasted in summary.stays.items()},
        "left_at": {state: age * MICROSECOND for state, age in summary.left_at.items()},
        "spells": [(instant_of(each.begin), instant_of(each.end), tuple(each.owner), each.backlog) for each in placed],
        "spells_are_cut": summary.spells_are_cut,
    }


def expected(life: Life) -> dict[str, Any]:
    """Write a life in the same words."""
    measured = life.start is not None and life.finish is not None
    return {
        "item": life.item,
        "backlog": life.now.backlog,
        "key": life.now.key,
        "parent": life.now.parent,
        "points": life.now.points,
        "state_since": state_since(life),
        "start": moment_of(life.start)[:-1],
        "finish": moment_of(life.finish),
        "stays": life.time_in_state if measured else completed_stays(life),
        "left_at": left_at(life),
        "spells": [spell for spell in spells(life) if spell[3] is not None],
        "spells_are_cut": False,
    }


def stamped(stamp: Stamp | None) -> tuple[Any, ...]:
    """Write a stamp of the engine."""
    if stamp is None:
        return ()
    return instant_of(stamp.time), tuple(stamp.owner), stamp.item_type, stamp.backlog, exact(stamp.points)


def moment_of(moment: Moment | None) -> tuple[Any, ...]:
    """Write a moment of the oracle in the same way."""
    if moment is None:
        return ()
    return moment.time, moment.owner, moment.item_type, moment.backlog, moment.points


def instant_of(microsecond: int | None) -> datetime | None:
    """Read an instant of the engine."""
    return None if microsecond is None else ZERO + microsecond * MICROSECOND


def exact(millionths: int | None) -> Fraction | None:
    """Read an amount of the engine."""
    return None if millionths is None else Fraction(millionths, 1_000_000)
