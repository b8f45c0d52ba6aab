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


class Team(NamedTuple):
    """The owner of an item, as a path."""

    value_stream: str
    art: str
    team: str


# Most items are not finished, and share this.
NO_STAYS: Mapping[str, int] = {}
UNASSIGNED = Team("unassigned", "unassigned", "unassigned")


class Stamp(Struct, frozen=True, gc=False, rename={"time": "time_us"}):
    """An instant in an item's life (microseconds), with the owner and the flow item type it had then."""

    time: int
    owner: Team
    item_type: str


_WRITTEN = {"blocked_since": "blocked_since_us", "active": "active_us", "stays": "stays_us"}


class Summary(Struct, frozen=True, gc=False, rename=_WRITTEN):
    """An item as its known events left it. Instants and durations are microseconds.

    Attributes:
        blocked_since: When the present block began; None if the item is not blocked.
        start: First entry into `active` or `waiting`.
        start_is_lower_bound: Whether the item was already in progress when it was first seen.
        finish: Latest entry into `done`, while the item is still done.
        active: Active time between start and finish; 0 unless the item has both.
        stays: Time between start and finish by workflow state; empty unless the item has both. At most a hundred states
            keep their names.
    """

    item: str
    source: str
    owner: Team
    item_type: str
    state: str | None
    flow_state: FlowState | None
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
