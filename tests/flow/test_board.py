"""One node's board."""

from __future__ import annotations

from dataclasses import replace

from stream.events.event import DAY
from stream.flow.board import Board
from stream.items.summary import Stamp, Summary
from tests.flow.material import CARDS, doing, done


def count(board: Board, key: bytes, summary: Summary, step: int = 1) -> None:
    board.count_state(*((None, summary) if step > 0 else (summary, None)))
    if summary.start is not None:
        board.count_arrival(key, summary.start, step)
    if summary.finish is not None:
        board.count_finish(key, summary, summary.finish, step)


def test_putting_in_and_taking_out_in_another_order_leaves_an_empty_board() -> None:
    board = Board()
    items = {b"a": doing(1, blocked_since=2), b"b": done(3, 1, active=5, stays={"Doing": 5}), b"c": done(3)}
    assert board.empty
    for key, summary in items.items():
        count(board, key, summary)
    assert not board.empty
    assert (board.states, len(board.load)) == ({"Doing": 1, "Done": 2}, 1)
    for key in (b"b", b"c", b"a"):
        count(board, key, items[key], -1)
    assert board.empty
    assert board.window(7 * DAY, 9 * DAY) == Board().window(7 * DAY, 9 * DAY)


def test_a_board_with_an_arrival_only_is_not_empty() -> None:
    board = Board()
    board.count_arrival(b"a", Stamp(DAY, CARDS, "feature"), 1)
    assert not board.empty


def test_what_has_no_state_or_is_deleted_counts_in_no_state() -> None:
    board = Board()
    board.count_state(None, replace(doing(1), state=None, flow_state=None))
    board.count_state(None, doing(1, deleted=True))
    assert board.empty
    assert len(board.load) == 0


def test_windows_are_cut_when_read_and_summed_anew_only_where_the_cut_changed() -> None:
    board = Board()
    count(board, b"a", done(3, 1, active=DAY))
    first = board.window(2 * DAY, 3 * DAY)
    assert first.finished.velocity == {"feature": 1}
    assert board.window(2 * DAY, 3 * DAY + 5) is first
    assert first.arrivals == {}
    assert board.window(9 * DAY, 3 * DAY).arrivals == {"feature": 1}
    assert board.window(2 * DAY, 5 * DAY).finished.velocity == {}
    again = board.window(2 * DAY, 3 * DAY)
    assert again == first


def test_a_replaced_item_in_the_same_place_is_summed_anew() -> None:
    board = Board()
    count(board, b"a", done(3, 1))
    before = board.window(7 * DAY, 4 * DAY)
    count(board, b"a", done(3, 1), -1)
    count(board, b"a", done(3, 2))
    after = board.window(7 * DAY, 4 * DAY)
    assert (before.finished.elapsed, after.finished.elapsed) == (2 * 86_400.0, 86_400.0)


def test_items_of_one_time_are_told_apart_by_their_key() -> None:
    board = Board()
    for key in (b"b", b"a", b"c"):
        count(board, key, done(3))
    count(board, b"b", done(3), -1)
    assert board.window(7 * DAY, 4 * DAY).finished.without_start == 2
