"""What an item's life was like before now: how long it has been where it is, and when it was in progress."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.oracle.lives import Life, Moment, by_state
from tests.oracle.rules import Node, Owner, belongs

Spell = tuple[datetime, datetime | None, Owner, str | None]


def state_since(life: Life) -> datetime | None:
    """Say when the item entered the state that it is in: the first of the last moments that all have it."""
    if life.now.state is None:
        return None
    since = life.now
    for moment in reversed(life.moments):
        if moment.state != life.now.state:
            break
        since = moment
    return since.time


def completed_stays(life: Life) -> dict[str, timedelta]:
    """Say how long an item that is not finished was in each state since its start, the present stay left out."""
    if life.start is None or life.finish is not None:
        return {}
    return by_state(
        [
            (moment.state, following.time - moment.time)
            for moment, following in pairwise(since_start(life))
            if moment.state is not None and not is_present(moment, life) and following.time > moment.time
        ]
    )


def since_start(life: Life) -> list[Moment]:
    """List the moments from the start on."""
    first = [moment is life.start for moment in life.moments].index(True)
    return life.moments[first:]


def is_present(moment: Moment, life: Life) -> bool:
    """Tell whether the moment belongs to the stay that lasts until now."""
    place = [moment is each for each in life.moments].index(True)
    return all(each.state == life.now.state for each in life.moments[place:])


def left_at(life: Life) -> dict[str, timedelta]:
    """Say how old the item was when it last left each state, since its start and up to its finish."""
    found: dict[str, timedelta] = {}
    if life.start is None:
        return found
    for moment, following in pairwise(since_start(life)):
        if moment.state is not None and following.state != moment.state:
            found[moment.state] = following.time - life.start.time
        if following is life.finish:
            break
    return found


def spells(life: Life) -> list[Spell]:
    """List the intervals in which the item was in progress under one owner in one backlog; none is empty."""
    ends: list[datetime | None] = [*(moment.time for moment in life.moments[1:]), None]
    found = [
        (moment.time, end, moment.owner, moment.backlog)
        for moment, end in zip(life.moments, ends, strict=True)
        if moment.is_load and moment.time != end
    ]
    return list(joined(found))


def joined(many: list[Spell]) -> Iterator[Spell]:
    """Join the spells that follow each other without a gap under the same owner in the same backlog."""
    last: Spell | None = None
    for spell in many:
        if last is not None and last[1:] == (spell[0], *spell[2:]):
            spell = (last[0], *spell[1:])  # noqa: PLW2901
        elif last is not None:
            yield last
        last = spell
    if last is not None:
        yield last


def load_at(everyone: list[Life], node: Node, backlog: str, then: datetime) -> list[Life]:
    """List what was in progress in a node and backlog at an earlier instant, by all that is known of it now."""
    return [life for life in everyone if was_load(life, node, backlog, then)]


def was_load(life: Life, node: Node, backlog: str, then: datetime) -> bool:
    """Tell whether the item was in progress in a node and backlog at an earlier instant."""
    known = [moment for moment in life.moments if moment.time <= then]
    return bool(known) and known[-1].is_load and known[-1].backlog == backlog and belongs(known[-1].owner, node)


def children(everyone: list[Life], parent: str) -> tuple[int, int]:
    """Count the children of an item that are done, and all that are neither cancelled nor deleted."""
    found = [
        life
        for life in everyone
        if life.now.parent == parent != life.item and life.now.flow_state != "cancelled" and not life.now.deleted
    ]
    return len([life for life in found if life.now.flow_state == "done"]), len(found)
