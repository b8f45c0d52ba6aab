"""Owners at every level and backlogs: what counts where, and that levels add up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.events.event import DAY
from stream.flow.board import Board
from stream.flow.boards import Boards
from stream.flow.nodes import Node, configured_nodes
from stream.flow.report import NodeNumbers, Reading
from stream.items.objective import Objective
from stream.items.summary import UNASSIGNED, Stamp, Summary
from tests.flow.material import (
    CARDS,
    CHECKOUT,
    CREDIT,
    EVERYTHING,
    LEVELS,
    PAYMENTS,
    WALLETS,
    configured,
    doing,
    done,
)
from tests.flow.test_windows_and_clock import CONFIG as PERIODS
from tests.flow.test_windows_and_clock import partition_of, summaries

CONFIG = configured(LEVELS)
Loads = dict[tuple[str, str], int]


def boards(*items: Summary | Objective) -> Boards:
    """Put items into boards of one partition."""
    found = Boards(CONFIG, lambda _: 0)
    for number, item in enumerate(items):
        found.put(0, b"%d" % number, item)
    return found


def name_of(node: Node) -> str:
    names = "/".join(filter(None, node[1:4])) or node.level
    return f"{names} itself" if node.own else names


def loads(found: Boards) -> Loads:
    return {(name_of(node), node.backlog): len(board.load) for node, _, board in found.nodes() if len(board.load)}


def board_of(found: Boards, node: Node) -> Board:
    return next(board for each, _, board in found.nodes() if each == node)


def test_an_epic_its_feature_and_its_stories_are_never_added_up() -> None:
    """The worked example: epic of the portfolio, feature of ART Checkout, two stories of team Cards."""
    epic, feature = doing(1, EVERYTHING, "epics"), doing(1, CHECKOUT, "features")
    found = boards(epic, feature, doing(1, CARDS, "stories"), doing(2, CARDS, "stories"))
    assert {place: load for place, load in loads(found).items() if not place[0].endswith("itself")} == {
        ("Payments", "features"): 1,
        ("Payments", "stories"): 2,
        ("Payments/Checkout", "features"): 1,
        ("Payments/Checkout", "stories"): 2,
        ("Payments/Checkout/Cards", "stories"): 2,
        ("portfolio", "epics"): 1,
        ("portfolio", "features"): 1,
        ("portfolio", "stories"): 2,
    }


def test_what_an_owner_above_the_teams_owns_itself_counts_apart_and_in_no_team() -> None:
    found = boards(doing(1, PAYMENTS, "stories"), doing(1, EVERYTHING, "epics"), doing(1, CARDS, "stories"))
    assert loads(found) == {
        ("Payments", "stories"): 2,
        ("Payments itself", "stories"): 1,
        ("Payments/Checkout", "stories"): 1,
        ("Payments/Checkout/Cards", "stories"): 1,
        ("portfolio", "stories"): 2,
        ("portfolio", "epics"): 1,
        ("portfolio itself", "epics"): 1,
    }
    assert Node("value_stream", "Payments", backlog="stories", own=True) in [node for node, _, _ in found.nodes()]
    found.put(0, b"0", None)
    found.put(0, b"1", None)
    # At the home of a backlog it is shown also if it is empty.
    assert [node for node, _, _ in found.nodes()] == configured_nodes(CONFIG)


def test_a_node_below_the_home_of_a_backlog_is_shown_while_something_counts_there() -> None:
    found = boards(doing(1, WALLETS, "features"))
    shown = [(node, limit) for node, limit, _ in found.nodes() if node.level == "team"]
    assert shown == [
        (Node("team", *CARDS, "stories"), 8),
        (Node("team", *WALLETS, "stories"), 4),
        (Node("team", *CREDIT, "stories"), None),
        (Node("team", *WALLETS, "features"), 1),
    ]
    found.put(0, b"0", doing(1, WALLETS, "stories"))
    assert Node("team", *WALLETS, "features") not in [node for node, _, _ in found.nodes()]


def test_what_a_node_owns_itself_has_no_limit() -> None:
    found = boards(doing(1, CHECKOUT, "features"))
    limits = {name_of(node): limit for node, limit, _ in found.nodes() if node.backlog == "features"}
    assert (limits["Payments/Checkout"], limits["Payments/Checkout itself"]) == (30, None)


def test_each_number_is_of_the_backlog_of_its_instant() -> None:
    """An item that was a story when it began, a feature when it was finished, and is an epic now."""
    item = done(5, 2, CARDS, "epics")
    assert item.start is not None
    assert item.finish is not None
    moved = replace(item, start=replace(item.start, backlog="stories"), finish=replace(item.finish, backlog="features"))
    rows = Reading(CONFIG, boards(moved)).read(6 * DAY, lambda node: node.level == "portfolio" and not node.own)
    counted = {
        row.node.backlog: (
            row.windows["7d"].arrivals.total(),
            row.windows["7d"].finished.velocity.total(),
            sum(row.states.values()),
        )
        for row in rows
    }
    assert counted == {"stories": (1, 0, 0), "features": (0, 1, 0), "epics": (0, 0, 1)}


def test_a_move_to_another_backlog_takes_the_load_along() -> None:
    found = boards(doing(1, CARDS, "stories"))
    found.put(0, b"0", doing(1, CARDS, "features"))
    assert loads(found) == {
        ("Payments", "features"): 1,
        ("Payments/Checkout", "features"): 1,
        ("Payments/Checkout/Cards", "features"): 1,
        ("portfolio", "features"): 1,
    }


def test_points_are_added_up_by_type_and_what_has_none_is_counted() -> None:
    half, none, zero = (doing(1, CARDS, "stories", points=points) for points in (500_000, None, 0))
    bug = replace(half, item_type="defect", points=2_000_000)
    finished = [done(5, 2, CARDS, "stories", points=points) for points in (3_000_000, None, 0)]
    row = cards(boards(half, half, none, zero, bug, *finished))
    assert (row.points, row.unestimated) == ({"feature": 1_000_000, "defect": 2_000_000}, {"feature": 1})
    week = row.windows["7d"].finished
    assert (week.points, week.unestimated, week.velocity) == ({"feature": 3_000_000}, {"feature": 1}, {"feature": 3})


def test_points_of_the_load_are_those_of_now_and_those_of_the_finish_stay() -> None:
    found = boards(doing(1, CARDS, "stories", points=500_000))
    found.put(0, b"0", doing(1, CARDS, "stories", points=None))
    assert (cards(found).points, cards(found).unestimated) == ({}, {"feature": 1})
    found.put(0, b"0", done(5, 1, CARDS, "stories", points=3_000_000))
    found.put(0, b"0", replace(done(5, 1, CARDS, "stories", points=3_000_000), points=8_000_000))
    row = cards(found)
    assert (row.points, row.unestimated) == ({}, {})
    assert row.windows["7d"].finished.points == {"feature": 3_000_000}


def cards(found: Boards) -> NodeNumbers:
    (row,) = Reading(CONFIG, found).read(6 * DAY, lambda node: node == Node("team", *CARDS, "stories"))
    return row


def test_an_item_that_no_backlog_holds_is_in_no_number_and_counted_by_source_and_type() -> None:
    item = doing(1, CARDS, None)
    found = boards(item, item, replace(item, source="b"), done(5, 2, CARDS, None), replace(item, deleted=True))
    assert found.unplaced({0}) == {("jira/acme", "feature"): 3, ("b", "feature"): 1}
    assert found.unplaced({1}) == found.unplaced(()) == {}
    empty = Reading(CONFIG, boards()).read(6 * DAY)
    assert Reading(CONFIG, found).read(6 * DAY) == empty
    found.put(0, b"2", None)
    found.put(0, b"0", doing(1, CARDS, "stories"))
    assert found.unplaced({0}) == {("jira/acme", "feature"): 2}


def test_an_item_that_is_in_two_partitions_is_unplaced_where_its_present_owner_is() -> None:
    moved = replace(doing(1, CREDIT, None), start=Stamp(DAY, CARDS, "feature", None))
    for many in (False, True):
        found = Boards(CONFIG, partition_of)
        for partition in (0, 1):
            if many:
                found.put_all(partition, {b"%d" % number: moved for number in range(40)})
            else:
                found.put(partition, b"0", moved)
        count = 40 if many else 1
        assert (found.unplaced({0}), found.unplaced({1})) == ({}, {("jira/acme", "feature"): count})
        found.drop(1)
        assert found.unplaced({0, 1}) == {}


def test_an_objective_counts_beside_the_home_backlog_of_each_level() -> None:
    found = boards(objective(CARDS))
    counted = {(name_of(node), node.backlog) for node, _, board in found.nodes() if board.predictability()}
    assert counted == {
        ("Payments/Checkout/Cards", "stories"),
        ("Payments/Checkout", "features"),
        ("Payments", "features"),
        ("portfolio", "epics"),
    }


def objective(owner: object = CARDS) -> Objective:
    return Objective("o", "planning", owner, "a", committed=True, planned=8_000_000, actual=None)  # type: ignore[arg-type]


def test_dropping_a_partition_leaves_the_portfolio_what_the_others_have() -> None:
    ours: list[Summary | Objective] = [doing(1, EVERYTHING, "epics"), doing(1, CREDIT, "stories"), objective(CREDIT)]
    theirs: list[Summary | Objective] = [
        doing(2, CARDS, "stories"),
        doing(2, PAYMENTS, "epics"),
        done(5, 3, CHECKOUT, "features", points=1_000_000),
        doing(3, UNASSIGNED, "stories"),
        objective(CARDS),
    ]
    for dropped, left in ((1, theirs), (0, ours)):
        found, expected = Boards(CONFIG, partition_of), Boards(CONFIG, partition_of)
        for number, item in enumerate([*ours, *theirs]):
            found.put(1 if item in ours else 0, b"%d" % number, item)
            if item in left:
                expected.put(1 - dropped, b"%d" % number, item)
        before = {node: board.version for node, _, board in found.nodes()}
        found.drop(dropped)
        assert Reading(CONFIG, found).read(6 * DAY) == Reading(CONFIG, expected).read(6 * DAY)
        # A reader that kept a node's numbers sees that they have changed.
        changed = {node for node, _, board in found.nodes() if board.version != before[node]}
        assert {node for node in before if node.is_everything} <= changed


def test_the_portfolio_counts_an_objective_of_two_partitions_once_also_after_a_drop() -> None:
    listed = configured(f"{LEVELS}program_increments: [{{name: b, start: 2026-07-01, end: 2026-09-24}}]\n")
    found = Boards(listed, lambda value_stream: {"Lending": 1, "unassigned": 2}.get(value_stream, 0))
    for partition in (0, 1):
        found.put(partition, b"1", objective(CREDIT))
    found.put(2, b"2", objective(UNASSIGNED))
    found.drop(2)
    assert board_of(found, Node("portfolio", backlog="epics")).unmapped_objectives == {("planning", "a"): 1}


def sums(row: NodeNumbers) -> dict[str, Counter[object]]:
    """Give everything of a node that adds up."""
    found = {
        "load": Counter[object](row.by_type),
        "points": Counter[object](row.points),
        "unestimated": Counter[object](row.unestimated),
        "blocked": Counter[object](row.blocked),
        "states": Counter[object](row.states),
    }
    for label, window in row.windows.items():
        found[f"arrivals {label}"] = Counter(window.arrivals)
        found[f"velocity {label}"] = Counter(window.finished.velocity)
        found[f"points {label}"] = Counter(window.finished.points)
        found[f"unestimated {label}"] = Counter(window.finished.unestimated)
        found[f"others {label}"] = Counter(without_start=window.finished.without_start)
    return found


def is_below(owner: Node, node: Node) -> bool:
    return owner.backlog == node.backlog and all(
        name in ("", own) for own, name in zip(owner[1:4], node[1:4], strict=True)
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(summaries(), max_size=12), st.integers(0, 44))
def test_in_each_backlog_a_node_is_the_sum_of_the_owners_in_it(items: list[Summary | Objective], quarter: int) -> None:
    found = Boards(PERIODS, partition_of)
    for number, item in enumerate(items):
        for partition in (0, 1):
            found.put(partition, b"%d" % number, item)
    rows = Reading(PERIODS, found).read(quarter * DAY // 4)
    for row in rows:
        expected: dict[str, Counter[object]] = {name: Counter() for name in sums(row)}
        for owner in rows:
            if owner.node.is_owner and is_below(owner.node, row.node):
                for name, counts in sums(owner).items():
                    expected[name].update(counts)
        if not row.node.own:
            assert sums(row) == {name: +counts for name, counts in expected.items()}, row.node
