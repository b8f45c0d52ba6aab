"""Parents and children: how much of what an item was split into is done.

A child is an item whose `parent` is the item's id. A child that is cancelled or deleted is left out. One that was
already done when it was first seen has no finish, and is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stream.items.summary import FlowState, Summary


class Children(NamedTuple):
    """The children of an item: how many are done now, and how many there are."""

    done: int
    of: int


def children_of(parent: str, items: Iterable[Summary]) -> Children:
    """Count the children of an item, whatever their owner and backlog.

    >>> from stream.items.summary import UNASSIGNED
    >>> child = Summary("2", "jira", UNASSIGNED, "story", "Open", FlowState.NEW, parent="1")
    >>> children_of("1", [child])
    Children(done=0, of=1)
    """
    there = [item for item in items if item.parent == parent != item.item and not _is_dropped(item)]
    return Children(sum(item.flow_state is FlowState.DONE for item in there), len(there))


def _is_dropped(item: Summary) -> bool:
    return item.deleted or item.flow_state is FlowState.CANCELLED
