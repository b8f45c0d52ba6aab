"""The spells of an item in load, by owner and backlog."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.event import DAY, EventType
from stream.items.fold import fold
from stream.items.row import Entry
from stream.items.rules import Rules
from stream.items.spells import MAX_SPELLS, Spells
from stream.items.summary import UNASSIGNED, Owner, Spell, Summary
from tests.items.material import LEVELS, configured, entry

CARDS = Owner("Payments", "Checkout", "Cards")
WALLETS = Owner("Payments", "Checkout", "Wallets")
RULES = Rules(configured(LEVELS))
STORY = {"item_type": "Story", "team": "Cards"}


def folded(*entries: Entry) -> Summary:
    summary = fold("1", entries, RULES, 10_000 * DAY)
    assert summary is not None
    return summary


def spells(*entries: Entry) -> list[tuple[int, int | None, Owner, str | None]]:
    """Give the spells of an item in days."""
    return [
        (each.begin // DAY, None if each.end is None else each.end // DAY, each.owner, each.backlog)
        for each in folded(*entries).spells
    ]


def test_a_spell_lasts_from_the_entry_into_load_until_the_item_leaves_it() -> None:
    story = [entry(1, state="To Do", **STORY), entry(2, state="Doing"), entry(3, state="Ready"), entry(4, points=2)]
    assert spells(story[0]) == []
    assert spells(*story) == [(2, None, CARDS, "stories")]
    for name in ("Done", "Dropped", "To Do", "Limbo", None):
        assert spells(*story, entry(6, state=name)) == [(2, 6, CARDS, "stories")]


def test_a_deletion_ends_a_spell_and_a_restored_item_begins_another() -> None:
    story = [entry(1, state="Doing", **STORY), entry(3, EventType.DELETED)]
    assert spells(*story) == [(1, 3, CARDS, "stories")]
    assert spells(*story, entry(4, points=1)) == [(1, 3, CARDS, "stories")]
    assert spells(*story, entry(5, state="Ready")) == [(1, 3, CARDS, "stories"), (5, None, CARDS, "stories")]


def test_a_spell_is_split_where_the_owner_or_the_backlog_changes() -> None:
    story = [entry(1, state="Doing", **STORY), entry(2, team="Wallets"), entry(4, item_type="Feature")]
    assert spells(*story, entry(5, item_type="Task"), entry(6, team=None), entry(7, state="Done")) == [
        (1, 2, CARDS, "stories"),
        (2, 4, WALLETS, "stories"),
        (4, 5, WALLETS, "features"),
        (5, 6, WALLETS, None),
        (6, 7, UNASSIGNED, None),
    ]


def test_changes_of_owner_and_backlog_out_of_load_make_no_spell() -> None:
    story = [
        entry(1, state="Doing", **STORY),
        entry(2, state="To Do"),
        entry(3, team="Wallets"),
        entry(4, state="Doing"),
    ]
    assert spells(*story) == [(1, 2, CARDS, "stories"), (4, None, WALLETS, "stories")]


def test_a_spell_of_no_time_is_none() -> None:
    assert spells(entry(1, state="Doing", **STORY), entry(1, state="Done")) == []
    moved = [entry(1, state="Doing", **STORY), entry(3, team="Wallets"), entry(3, team="Cards", item_type="Feature")]
    assert spells(*moved) == [(1, 3, CARDS, "stories"), (3, None, CARDS, "features")]


def test_an_item_that_is_reopened_at_the_same_instant_was_in_load_all_the_time() -> None:
    reopened = [entry(1, state="Doing", **STORY), entry(3, state="Done"), entry(3, state="Doing")]
    assert spells(*reopened) == [(1, None, CARDS, "stories")]
    away = [entry(1, state="Doing", **STORY), entry(3, team="Wallets"), entry(3, team="Cards"), entry(5, state="Done")]
    assert spells(*away) == [(1, 5, CARDS, "stories")]
    # By another owner it is another spell.
    assert spells(*reopened[:2], entry(3, state="Doing", team="Wallets")) == [
        (1, 3, CARDS, "stories"),
        (3, None, WALLETS, "stories"),
    ]


def test_an_item_that_is_reopened_later_has_two_spells() -> None:
    reopened = [entry(1, state="Doing", **STORY), entry(3, state="Done"), entry(4, state="Doing"), entry(4, points=1)]
    assert spells(*reopened) == [(1, 3, CARDS, "stories"), (4, None, CARDS, "stories")]


def moves(count: int) -> list[Entry]:
    """Let an item in load move from team to team, so that it has that number of spells."""
    teams = ("Cards", "Wallets")
    later = (entry(day, team=teams[day % 2]) for day in range(1, count))
    return [entry(0, state="Doing", **STORY), *later]


@pytest.mark.parametrize(("count", "are_cut"), [(MAX_SPELLS, False), (MAX_SPELLS + 1, True), (MAX_SPELLS + 50, True)])
def test_the_newest_hundred_are_kept_and_it_is_said_that_there_were_more(count: int, are_cut: bool) -> None:
    summary = folded(*moves(count))
    assert [spell.begin // DAY for spell in summary.spells] == list(range(count - MAX_SPELLS, count))
    assert summary.spells_are_cut is are_cut


@pytest.mark.parametrize(("count", "are_cut"), [(MAX_SPELLS, False), (MAX_SPELLS + 1, True)])
def test_a_spell_of_no_time_takes_no_place_from_another(count: int, are_cut: bool) -> None:
    team = "Cards" if count % 2 == 0 else "Wallets"
    for later in ([entry(count, team=team), entry(count, state="Done")], [entry(count, state="Done")]):
        summary = folded(*moves(count), *later)
        assert [spell.begin // DAY for spell in summary.spells] == list(range(count - MAX_SPELLS, count))
        assert summary.spells_are_cut is are_cut


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 2), st.none() | st.tuples(st.sampled_from([CARDS, WALLETS]), st.sampled_from(["a", None]))
    ),
    max_size=12,
)


@settings(max_examples=400)
@given(CHANGES, st.sampled_from([2, MAX_SPELLS]))
def test_spells_say_at_each_instant_what_was_in_load(
    changes: list[tuple[int, tuple[Owner, str | None] | None]], limit: int
) -> None:
    kept, time, was = Spells(), 0, dict[int, tuple[Owner, str | None] | None]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stream.items.spells.MAX_SPELLS", limit)
        for passed, place in changes:
            was |= dict.fromkeys(range(time + 1, time + passed), was.get(time))
            time += passed
            was[time] = place
            if place is None:
                kept.out_of_load(time)
            else:
                kept.in_load(time, *place)
        found, are_cut = kept.all(), kept.are_cut
    whole = joined([(instant, place) for instant, place in sorted(was.items()) if place is not None], time)
    assert list(found) == whole[-limit:]
    assert are_cut == (len(whole) > limit)


def joined(instants: list[tuple[int, tuple[Owner, str | None]]], last: int) -> list[Spell]:
    """Join instants that follow each other with the same owner and backlog."""
    found: list[Spell] = []
    for instant, place in instants:
        if found and found[-1].end == instant and (found[-1].owner, found[-1].backlog) == place:
            begin = found.pop().begin
        else:
            begin = instant
        found.append(Spell(begin, instant + 1, *place))
    if found and found[-1].end == last + 1:
        found[-1] = Spell(found[-1].begin, None, found[-1].owner, found[-1].backlog)
    return found
