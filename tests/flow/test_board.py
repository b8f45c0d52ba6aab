"""One node's board."""

from __future__ import annotations

from msgspec.structs import replace

from stream.events.event import DAY
from stream.flow.board import NO_STATE, Board, CurrentState
from stream.flow.finished import Finish
from stream.items.summary import FlowState, Summary
from tests.flow.material import doing, done

WEEK = "7d"


def count(board: Board, summary: Summary, step: int = 1) -> None:
    state = CurrentState.of(summary)
    board.move(*((NO_STATE, state) if step > 0 else (state, NO_STATE)))
    if summary.start is not None:
        board.count_arrival([WEEK], summary.start.item_type, step)
    if summary.finish is not None:
        board.count_finish([WEEK], Finish.of(summary, summary.finish), step)


def test_putting_in_and_taking_out_in_another_order_leaves_an_empty_board() -> None:
    board = Board([WEEK])
    items = [doing(1, blocked_since=2), done(3, 1, active=5, stays={"Doing": 5}), done(3)]
    items.append(replace(doing(2), state="Odd", flow_state=FlowState.UNMAPPED))
    assert board.empty
    for summary in items:
        count(board, summary)
    assert not board.empty
    assert (board.states, board.unmapped) == ({"Doing": 1, "Done": 2, "Odd": 1}, {("jira/acme", "Odd"): 1})
    assert len(board.load) == 1
    for place in (1, 3, 2, 0):
        count(board, items[place], -1)
    assert board.empty
    assert board.windows[WEEK].numbers() == Board([WEEK]).windows[WEEK].numbers()


def test_what_has_no_state_or_is_deleted_counts_in_no_state() -> None:
    board = Board([WEEK])
    board.move(NO_STATE, CurrentState.of(replace(doing(1), state=None, flow_state=None)))
    board.move(NO_STATE, CurrentState.of(doing(1, deleted=True)))
    assert board.empty
    assert len(board.load) == 0


def test_a_move_between_unmapped_states_counts_the_new_one() -> None:
    board = Board([WEEK])
    odd, odder = (replace(doing(2), state=name, flow_state=FlowState.UNMAPPED) for name in ("Odd", "Odder"))
    board.move(NO_STATE, CurrentState.of(odd))
    board.move(CurrentState.of(odd), CurrentState.of(odder))
    board.move(CurrentState.of(odder), CurrentState.of(odder))
    assert (board.states, board.unmapped) == ({"Odder": 1}, {("jira/acme", "Odder"): 1})


def test_a_window_gives_the_same_object_until_it_changes() -> None:
    board = Board(["1d", WEEK])
    item = done(3, 1, active=DAY)
    count(board, item)
    day, week = board.windows["1d"].numbers(), board.windows[WEEK].numbers()
    assert week.finished.velocity == week.arrivals == {"feature": 1}
    assert board.windows[WEEK].numbers() is week
    count(board, item, -1)
    assert board.windows["1d"].numbers() is day
    assert board.windows[WEEK].numbers() == day
    assert week.finished.velocity == {"feature": 1}


def test_each_change_raises_the_version() -> None:
    board, item = Board([WEEK]), done(3, 1)
    versions = []
    for step in (1, -1):
        count(board, item, step)
        versions.append(board.version)
    assert 0 < versions[0] < versions[1]
    board.merge(Board([WEEK]))
    assert board.version > versions[1]
