"""The summary of an item's history: the absolute state that `measure` counts.

A summary is a value of topic `flow.items` (schema: `schemas/item-summary.schema.json`). It replaces the item's former
summary, so applying it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class FlowState(StrEnum):
    """Flow state of a workflow state (Flow Framework: New, Active, Waiting, Done, Cancelled)."""

    NEW = "new"
    ACTIVE = "active"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"
    UNMAPPED = "unmapped"


LOAD_STATES = frozenset({FlowState.ACTIVE, FlowState.WAITING})
ENDED_STATES = frozenset({FlowState.DONE, FlowState.CANCELLED})


class Owner(NamedTuple):
    """The owner of an item: a team, or an ART, value stream or the portfolio, with the names below it empty."""

    value_stream: str
    art: str
    team: str


# Items that have not started share these.
NO_STAYS: Mapping[str, int] = {}
NO_SPELLS: tuple[Spell, ...] = ()
UNASSIGNED = Owner("unassigned", "unassigned", "unassigned")


_STAMPED = {"time": "time_us", "points": "points_millionths"}


class Stamp(Struct, frozen=True, gc=False, omit_defaults=True, rename=_STAMPED):
    """An instant in an item's life (microseconds), with what the item was then.

    `backlog` is None if no backlog held the item. `points` are millionths; None if the item was not estimated, and for
    a start.
    """

    time: int
    owner: Owner
    item_type: str
    backlog: str | None
    points: int | None = None


class Spell(Struct, frozen=True, gc=False, array_like=True):
    """An interval in which the item was in load, under one owner and in one backlog; instants are microseconds.

    It includes `begin`, and excludes `end`, which is None while the spell lasts.
    """

    begin: int
    end: int | None
    owner: Owner
    backlog: str | None


_COUNTED = {
    "points": "points_millionths",
    "blocked_since": "blocked_since_us",
    "active": "active_us",
    "stays": "stays_us",
}


class Counted(Struct, frozen=True, gc=False, omit_defaults=True, rename=_COUNTED):
    """What boards count of an item, as its known events left it. Instants and durations are microseconds.

    Attributes:
        backlog: The backlog that holds the item; None if none does.
        points: The estimate, in millionths; None if there is none.
        blocked_since: When the present block began; None if the item is not blocked.
        start: First entry into `active` or `waiting`.
        start_is_lower_bound: Whether the item was already in progress when it was first seen.
        finish: Latest entry into `done`, while the item is still done.
        active: Active time between start and finish; 0 unless the item has both.
        stays: Time by workflow state: of a finished item between start and finish, of another the completed stays since
            its start; empty without a start. At most a hundred states keep their names. Boards count those of finished
            items only.
    """

    item: str
    source: str
    owner: Owner
    item_type: str
    state: str | None
    flow_state: FlowState | None
    backlog: str | None = None
    points: int | None = None
    blocked_since: int | None = None
    deleted: bool = False
    start: Stamp | None = None
    start_is_lower_bound: bool = False
    finish: Stamp | None = None
    active: int = 0
    stays: Mapping[str, int] = NO_STAYS

    @property
    def in_load(self) -> bool:
        """Whether the item is in progress: its flow state is `active` or `waiting`, and it is not deleted."""
        return self.flow_state in LOAD_STATES and not self.deleted


class Summary(Counted, frozen=True, gc=False, rename={"state_since": "state_since_us", "left_at": "left_at_us"}):
    """All that is known of an item: what boards count, and what is shown of the single item.

    Attributes:
        key: What people call the item.
        parent: The parent's id.
        state_since: When the item entered its present state; None if it has none.
        left_at: The age (time since the start) at which the item last left each of the states in `stays`.
        spells: When the item was in load; the newest hundred.
        spells_are_cut: Whether there were more spells before these.
    """

    key: str | None = None
    parent: str | None = None
    state_since: int | None = None
    left_at: Mapping[str, int] = NO_STAYS
    spells: tuple[Spell, ...] = NO_SPELLS
    spells_are_cut: bool = False
