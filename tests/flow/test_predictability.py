"""Planned, actual and projected business value on a board."""

from __future__ import annotations

from stream.flow.board import Board
from stream.flow.predictability import MAX_INCREMENTS, Predictability, predictability
from stream.items.objective import Objective
from stream.items.points import MILLION
from tests.flow.material import CARDS


def objective(planned: int, actual: int | None, *, committed: bool = True, pi: str | None = "2026.4") -> Objective:
    achieved = None if actual is None else actual * MILLION
    return Objective("o", "jira/acme", CARDS, pi, committed, planned * MILLION, achieved)


def test_nothing_planned_has_no_ratio() -> None:
    assert predictability([]) == Predictability(0.0, 0.0, 0.0)
    only_stretch = predictability([(False, 5_000_000, 3_000_000)])
    assert (only_stretch.ratio, only_stretch.projected_ratio, only_stretch.actual) == (None, None, 3.0)


def test_a_share_that_a_target_names_is_that_number() -> None:
    for planned, actual, share in ((3, 2.4, 0.8), (6, 4.8, 0.8), (7, 5.6, 0.8), (9, 8.1, 0.9)):
        found = predictability([(True, planned * MILLION, round(actual * MILLION))])
        assert (found.ratio, found.projected_ratio) == (share, share)


def test_the_last_hundred_pis_by_name_are_shown() -> None:
    board = Board([])
    for number in range(MAX_INCREMENTS + 2):
        board.count_objective(b"%d" % number, objective(1, None, pi=f"{number:03}"), 1)
    assert list(board.predictability()) == [f"{number:03}" for number in range(2, MAX_INCREMENTS + 2)]


def test_an_objective_that_is_removed_leaves_nothing() -> None:
    board = Board([])
    board.count_objective(b"a", objective(10, 8), 1)
    board.count_objective(b"b", objective(4, None, pi="2027.1"), 1)
    board.count_objective(b"c", objective(4, 4, pi=None), 1)
    board.count_objective(b"d", objective(9, 9), 1)
    board.count_objective(b"d", objective(9, 9), -1)
    assert board.predictability() == {"2026.4": Predictability(10, 8, 8), "2027.1": Predictability(4, 0, 4)}
    board.count_objective(b"b", objective(4, None, pi="2027.1"), -1)
    board.count_objective(b"c", objective(4, 4, pi=None), -1)
    # Read twice: the second time nothing has changed.
    assert board.predictability() == board.predictability() == {"2026.4": Predictability(10, 8, 8)}
    assert not board.empty
    board.count_objective(b"a", objective(10, 8), -1)
    assert board.predictability() == {}
    assert board.empty
