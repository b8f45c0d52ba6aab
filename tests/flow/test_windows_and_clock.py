"""Boards under the clock: whatever has happened to them, they show what boards show that were just filled."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.config.model import Duration
from stream.events.event import DAY
from stream.flow.boards import FEW_OF_AN_OWNER, Boards
from stream.flow.report import Reading
from stream.items.objective import Objective
from stream.items.summary import NO_STAYS, UNASSIGNED, FlowState, Spell, Stamp, Summary
from tests.flow.material import (
    CARDS,
    CHECKOUT,
    CREDIT,
    EVERYTHING,
    FLOW,
    LEVELS,
    PAYMENTS,
    WALLETS,
    configured,
    doing,
    done,
)

PERIODS = """\
program_increments:
  - {name: a, start: 1970-01-01, end: 1970-01-02}
  - {name: b, start: 1970-01-03, end: 1970-01-05}
  - {name: c, start: 1970-01-08, end: 1970-01-09}
iterations: {first: 1970-01-02, length: 2d}
targets:
  - {name: slow, level: team, team: Cards, metric: flow_time, quantile: 0.5, window: 7d, at_most: 2d}
  - {name: planned, level: portfolio, backlog: stories, metric: velocity, window: previous_pi, at_least: 1}
"""
# The retention is so short that periods are forgotten; in a file it would be refused.
CONFIG = configured(
    LEVELS.replace("[1d, 7d]", "[1d, pi, 7d, previous_pi, iteration, previous_iteration]") + PERIODS
).model_copy(update={"retention": Duration.parse("8d")})
SIMPLE = configured(FLOW)
KEYS = [b"a", b"b", b"c", b"d"]

owners = st.sampled_from([CARDS, WALLETS, CREDIT, UNASSIGNED, CHECKOUT, PAYMENTS, EVERYTHING])
backlogs = st.sampled_from(["stories", "features", "epics", None])
estimates = st.sampled_from([None, 0, 500_000, 3_000_000])
instants = st.integers(0, 40).map(lambda quarter: quarter * DAY // 4 + quarter % 2)
item_types = st.sampled_from(["feature", "other"])
stamps = st.builds(Stamp, instants, owners, item_types, backlogs, estimates)
states = st.sampled_from(list(FlowState))
# What boards do not count is drawn together.
UNCOUNTED = {
    "key": "PAY-1",
    "parent": "7",
    "state_since": 1,
    "left_at": {"Doing": 1},
    "spells": (Spell(1, None, CARDS, "stories"),),
    "spells_are_cut": True,
}


@st.composite
def summaries(draw: st.DrawFn) -> Summary | Objective:
    """Draw an item as the fold leaves it, or an objective."""
    if draw(st.integers(0, 9)) == 0:
        team = draw(st.sampled_from([CARDS, WALLETS, CREDIT, UNASSIGNED]))
        pi = draw(st.sampled_from(["a", "b", "unlisted"]))
        return Objective("o", "jira/acme", team, pi, committed=True, planned=5_000_000, actual=None)
    flow_state = draw(states)
    begun = draw(st.none() | stamps)
    in_load = flow_state in (FlowState.ACTIVE, FlowState.WAITING)
    start = draw(stamps) if in_load and begun is None else begun
    finish = draw(stamps) if flow_state is FlowState.DONE else None
    if start is not None and finish is not None and finish.time < start.time:
        start, finish = replace(start, time=finish.time), replace(finish, time=start.time)
    measured = start is not None and finish is not None
    return Summary(
        item="1",
        source=draw(st.sampled_from(["jira/acme", "tracker/b"])),
        owner=draw(owners),
        item_type=draw(item_types),
        state=flow_state.value,
        flow_state=flow_state,
        backlog=draw(backlogs),
        points=draw(estimates),
        blocked_since=draw(st.none() | instants) if in_load else None,
        deleted=draw(st.integers(0, 5)) == 0,
        start=start,
        start_is_lower_bound=start is not None and draw(st.booleans()),
        finish=finish,
        active=draw(st.integers(0, DAY)) if measured else 0,
        stays={"Doing": draw(st.integers(1, DAY))} if measured else NO_STAYS,
        **draw(st.sampled_from([{}, UNCOUNTED])),
    )


def test_the_generator_draws_several_values_of_every_field() -> None:
    """A field that is always the same would hide a difference between the boards and their fast twins."""
    drawn: dict[str, set[str]] = {field: set() for field in Summary.__struct_fields__}

    @settings(max_examples=100, derandomize=True, database=None, phases=[Phase.generate])
    @given(summaries())
    def note(summary: Summary | Objective) -> None:
        if isinstance(summary, Summary):
            for field, values in drawn.items():
                values.add(repr(getattr(summary, field)))

    note()
    assert {field for field, values in drawn.items() if len(values) < 2} == {"item"}


def partition_of(value_stream: str) -> int:
    """Give what the portfolio itself owns another partition than most of its value streams."""
    return 1 if value_stream in {"", "Lending"} else 0


steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.none() | summaries()),
    st.tuples(st.just("many"), st.dictionaries(st.sampled_from(KEYS), summaries(), max_size=4), st.none()),
    st.tuples(st.just("clock"), instants, st.none()),
    st.tuples(st.just("drop"), st.sampled_from([0, 1]), st.none()),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(steps, max_size=25), instants, st.sampled_from([0, FEW_OF_AN_OWNER]))
def test_boards_with_a_past_show_what_fresh_ones_show(
    way: list[tuple[str, object, object]], end: int, few: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Zero: however few items an owner has, they are counted at once.
        patch.setattr("stream.flow.boards.FEW_OF_AN_OWNER", few)
        compare_along(way, end)


def compare_along(way: list[tuple[str, object, object]], end: int) -> None:
    """Take the steps, and compare at each instant on the way with boards that were just filled."""
    boards = Boards(CONFIG, partition_of)
    reading = Reading(CONFIG, boards)
    held: dict[int, dict[bytes, Summary | Objective]] = {0: {}, 1: {}}
    for what, first, second in [*way, ("clock", end, None)]:
        take_step(boards, held, what, first, second)
        if what == "clock":
            fresh = filled(held)
            assert reading.read(first) == Reading(CONFIG, fresh).read(first)  # type: ignore[arg-type]
            assert boards.unplaced({0, 1}) == fresh.unplaced({0, 1})


def take_step(
    boards: Boards, held: dict[int, dict[bytes, Summary | Objective]], what: str, first: object, second: object
) -> None:
    """Take one step on the boards, and note what they hold."""
    if what == "drop":
        boards.drop(first)  # type: ignore[arg-type]
        held[first].clear()  # type: ignore[index]
        return
    for partition, summaries_ in held.items():
        if what == "put":
            boards.put(partition, first, second)  # type: ignore[arg-type]
            summaries_.pop(first, None)  # type: ignore[call-overload]
            if second is not None:
                summaries_[first] = second  # type: ignore[index, assignment]
        elif what == "many":
            boards.put_all(partition, first)  # type: ignore[arg-type]
            summaries_.update(first)  # type: ignore[call-overload]


def filled(held: dict[int, dict[bytes, Summary | Objective]]) -> Boards:
    """Give new boards with these items, put in one by one before any clock is known."""
    boards = Boards(CONFIG, partition_of)
    for partition, items in held.items():
        for key, summary in items.items():
            boards.put(partition, key, summary)
    return boards


@pytest.mark.parametrize("quarter", range(0, 40, 3))
def test_a_period_begins_and_ends_by_the_clock_also_where_nothing_else_happens(quarter: int) -> None:
    """An item is alone, so that no other one leaves a trailing window at the same instant."""
    item = done(0, owner=CARDS, backlog="stories")
    assert item.finish is not None
    item = replace(item, finish=replace(item.finish, time=quarter * DAY // 4))
    for day in range(1, 18):
        held: dict[int, dict[bytes, Summary | Objective]] = {0: {b"1": item}, 1: {}}
        reading = Reading(CONFIG, filled(held))
        for instant in (day * DAY - 1, day * DAY):
            assert reading.read(instant) == Reading(CONFIG, filled(held)).read(instant)


def test_numbers_are_the_same_object_until_something_happens_to_the_node() -> None:
    boards = Boards(SIMPLE, partition_of)
    reading = Reading(SIMPLE, boards)
    item = doing(2)
    boards.put(0, b"1", item)
    first = {row.node: row for row in reading.read(2 * DAY)}
    later = {row.node: row for row in reading.read(2 * DAY + 5)}
    assert all(later[node] is row for node, row in first.items())
    boards.put(0, b"2", item)
    after = {row.node: row for row in reading.read(2 * DAY + 6)}
    assert sorted(node.level for node, row in first.items() if after[node] is not row) == [
        "art",
        "portfolio",
        "team",
        "value_stream",
    ]
    left = {row.node: row for row in reading.read(3 * DAY)}
    changed = [node.level for node, row in after.items() if left[node] is not row]
    assert sorted(changed) == ["art", "portfolio", "team", "value_stream"]
    assert all(row.windows["7d"] is after[node].windows["7d"] for node, row in left.items())


@pytest.mark.parametrize("many", [False, True])
def test_an_item_leaves_the_smallest_window_by_the_clock_also_where_no_other_does(
    monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    monkeypatch.setattr("stream.flow.boards.FEW_OF_AN_OWNER", 0)
    boards = Boards(SIMPLE, partition_of)
    reading = Reading(SIMPLE, boards)
    reading.read(3 * DAY)
    item = done(3)
    if many:
        boards.put_all(0, {b"1": item})
    else:
        boards.put(0, b"1", item)
    shown = {at: reading.read(at)[-1].windows["1d"].finished.velocity for at in (3 * DAY, 4 * DAY - 1, 4 * DAY)}
    assert shown == {3 * DAY: {"feature": 1}, 4 * DAY - 1: {"feature": 1}, 4 * DAY: {}}


def test_a_duplicate_leaves_a_node_as_it_was() -> None:
    boards = Boards(SIMPLE, partition_of)
    reading = Reading(SIMPLE, boards)
    item = doing(1)
    boards.put(0, b"1", item)
    before = reading.read(2 * DAY)
    boards.put(0, b"1", item)
    assert all(one is other for one, other in zip(before, reading.read(2 * DAY), strict=True))
