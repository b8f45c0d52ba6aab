"""All boards: replacement, levels, partitions, and nodes that come and go."""

from __future__ import annotations

from msgspec.structs import replace

from stream.events.event import DAY
from stream.flow.boards import FEW_OF_AN_OWNER, MANY, Boards
from stream.flow.nodes import Node, configured_nodes
from stream.flow.report import Reading
from stream.items.objective import Objective
from stream.items.summary import UNASSIGNED, Owner, Stamp
from tests.flow.material import CARDS, CREDIT, FLOW, PORTFOLIO, TEAM, configured, doing, done

CONFIG = configured()


def one_partition(_: str) -> int:
    return 0


def loads(boards: Boards) -> dict[str, int]:
    return {".".join(filter(None, node[:4])): len(board.load) for node, _, board in boards.nodes()}


def test_nodes_are_in_the_order_of_the_file_with_their_limits_and_the_portfolio_last() -> None:
    expected = [
        (Node("value_stream", "Payments", backlog="all"), 20),
        (Node("art", "Payments", "Checkout", backlog="all"), 10),
        (TEAM, 2),
        (Node("team", "Payments", "Checkout", "Wallets", "all"), None),
        (Node("value_stream", "Lending", backlog="all"), None),
        (Node("art", "Lending", "Loans", backlog="all"), None),
        (Node("team", *CREDIT, "all"), None),
        (PORTFOLIO, None),
    ]
    assert configured_nodes(CONFIG) == [node for node, _ in expected]
    assert [(node, limit) for node, limit, _ in Boards(CONFIG, one_partition).nodes()] == expected


def test_a_summary_replaces_the_items_former_one_and_twice_is_once() -> None:
    boards = Boards(CONFIG, one_partition)
    for summary in (doing(1), doing(2), doing(2)):
        boards.put(0, b"1", summary)
    assert loads(boards)["team.Payments.Checkout.Cards"] == loads(boards)["portfolio"] == 1
    boards.put(0, b"1", done(3, 2))
    assert set(loads(boards).values()) == {0}
    boards.put(0, b"1", None)
    boards.put(0, b"1", None)
    assert Reading(CONFIG, boards).read(4 * DAY) == Reading(CONFIG, Boards(CONFIG, one_partition)).read(4 * DAY)
    assert boards.items(0) == 0


def test_nodes_that_are_not_configured_are_there_while_something_counts_in_them() -> None:
    boards = Boards(CONFIG, one_partition)
    boards.put(0, b"1", doing(1, UNASSIGNED))
    found = [node for node, limit, _ in boards.nodes() if node.value_stream == "unassigned" and limit is None]
    assert [node.level for node in found] == ["value_stream", "art", "team"]
    boards.put(0, b"1", doing(1))
    assert [node for node, _, _ in boards.nodes()] == configured_nodes(CONFIG)


def test_each_board_counts_only_what_belongs_to_its_partition() -> None:
    """An item started by Cards and now with Credit is in two partitions and counts once at each place."""
    moved = replace(doing(1, CREDIT), start=Stamp(DAY, CARDS, "feature", "all"))
    boards = Boards(CONFIG, lambda value_stream: 1 if value_stream == "Lending" else 0)
    boards.put(0, b"1", moved)
    boards.put(1, b"1", moved)
    nodes = {row.node: row for row in Reading(CONFIG, boards).read(2 * DAY)}
    assert {name: load for name, load in loads(boards).items() if load} == {
        "value_stream.Lending": 1,
        "art.Lending.Loans": 1,
        "team.Lending.Loans.Credit": 1,
        "portfolio": 1,
    }
    arrivals = {node.level: row.windows["7d"].arrivals.total() for node, row in nodes.items() if node.team != "Wallets"}
    assert arrivals == {"portfolio": 1, "value_stream": 0, "art": 0, "team": 0}
    assert nodes[TEAM].windows["7d"].arrivals.total() == 1


def test_dropping_a_partition_takes_out_all_that_it_brought() -> None:
    boards = Boards(CONFIG, lambda value_stream: 1 if value_stream == "Lending" else 0)
    boards.put(0, b"1", doing(1))
    boards.put(1, b"2", doing(1, CREDIT))
    boards.put(1, b"3", done(3, 1, CREDIT))
    assert (boards.items(0), boards.items(1)) == (1, 2)
    boards.drop(1)
    boards.drop(5)
    assert (boards.items(0), boards.items(1), loads(boards)["portfolio"]) == (1, 0, 1)
    only = Boards(CONFIG, one_partition)
    only.put(0, b"1", doing(1))
    assert Reading(CONFIG, boards).read(4 * DAY) == Reading(CONFIG, only).read(4 * DAY)


def test_unmapped_objectives_go_with_their_partition_and_leave_an_empty_node() -> None:
    listed = configured(f"{FLOW}program_increments: [{{name: a, start: 2026-07-01, end: 2026-09-24}}]\n")
    boards = Boards(listed, lambda value_stream: 1 if value_stream == "Lending" else 0)
    untouched = Reading(listed, boards).read(DAY)
    odd = Objective("1", "planning", CARDS, "b", committed=True, planned=8, actual=None)
    nobody = replace(odd, owner=UNASSIGNED)
    boards.put(0, b"1", odd)
    boards.put(1, b"2", replace(odd, owner=CREDIT))
    boards.put(0, b"3", nobody)
    counts = {row.node: row.unmapped_objectives for row in Reading(listed, boards).read(DAY)}
    assert counts[PORTFOLIO] == {("planning", "b"): 3}
    assert counts[TEAM] == counts[Node("team", *UNASSIGNED, "all")] == {("planning", "b"): 1}
    boards.drop(1)
    counts = {row.node: row.unmapped_objectives for row in Reading(listed, boards).read(DAY)}
    assert counts[PORTFOLIO] == {("planning", "b"): 2}
    boards.put(0, b"1", replace(odd, pi="a"))
    boards.put(0, b"3", None)
    assert {node for node, _, board in boards.nodes() if board.unmapped_objectives} == set()
    boards.put(0, b"1", None)
    assert Reading(listed, boards).read(DAY) == untouched


def test_teams_of_one_name_in_two_arts_are_two_nodes() -> None:
    boards = Boards(CONFIG, one_partition)
    boards.put(0, b"1", doing(1, Owner("Payments", "Checkout", "Credit")))
    assert loads(boards)["team.Lending.Loans.Credit"] == 0
    assert loads(boards)["team.Payments.Checkout.Credit"] == 1


def test_many_items_are_put_in_at_once_where_an_owner_has_many_of_them() -> None:
    assert Boards(CONFIG, one_partition).at_once == MANY
    teams = ", ".join(f"{{team: T{number}}}" for number in range(MANY // FEW_OF_AN_OWNER + 1))
    large = configured(FLOW.replace("[{team: Credit}]", f"[{teams}]"))
    assert Boards(large, one_partition).at_once < MANY
