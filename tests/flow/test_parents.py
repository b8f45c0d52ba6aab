"""How much of what an item was split into is done."""

from __future__ import annotations

from msgspec.structs import replace

from stream.flow.parents import Children, children_of
from stream.items.summary import FlowState
from tests.flow.material import CARDS, CHECKOUT, CREDIT, doing, done


def test_children_are_items_of_any_owner_and_backlog_that_name_the_parent() -> None:
    items = [
        doing(1, CARDS, "stories", parent="7"),
        done(5, 1, CREDIT, "stories", parent="7"),
        done(5, 1, CHECKOUT, None, parent="7"),
        doing(1, CARDS, "stories", parent="8"),
        doing(1, CARDS, "stories"),
    ]
    assert children_of("7", items) == Children(done=2, of=3)
    assert children_of("9", items) == Children(done=0, of=0)


def test_children_that_are_cancelled_or_deleted_are_left_out_and_reopened_ones_are_not_done() -> None:
    child = done(5, 1, parent="7")
    items = [
        child,
        replace(child, deleted=True),
        replace(child, flow_state=FlowState.CANCELLED, finish=None),
        replace(child, flow_state=FlowState.ACTIVE, finish=None),
    ]
    assert children_of("7", items) == Children(done=1, of=2)


def test_a_child_that_was_done_before_it_was_first_seen_is_done() -> None:
    assert children_of("7", [replace(done(5, parent="7"), finish=None)]) == Children(done=1, of=1)
