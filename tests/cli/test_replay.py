"""`flowgauge replay`: its table, its JSON, the rows that it skips, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.flow.report import NODE_FIELDS
from tests.cli.command import FLOW_YAML, REPOSITORY, Done, flowgauge
from tests.contract.documents import validator

LOG = REPOSITORY / "docs" / "example.csv"
AT = "2026-11-22T10:15:00Z"
ONE_BACKLOG = """\
version: 1
organisation: [{value_stream: Payments, arts: [{art: Checkout, teams: [{team: Wallets}]}]}]
workflows: [{name: all, states: {new: [To Do], active: [In Progress], done: [Done]}}]
windows: [pi]
program_increments: [{name: "2026.4", start: 2026-10-03, end: 2026-12-10}]
"""


def run(*arguments: object, **environ: str) -> Done:
    return flowgauge("replay", *arguments, **environ)


def test_json_fits_its_schema() -> None:
    done = run(LOG, "-c", FLOW_YAML, "--at", AT, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json["at"] == AT
    assert list(validator("replay").iter_errors(done.json)) == []
    assert {node["level"] for node in done.json["nodes"]} == {"portfolio", "value_stream", "art", "team"}


def test_an_offset_gives_the_same_numbers() -> None:
    local = run(LOG, "-c", FLOW_YAML, "--at", "2026-11-22T11:15:00+01:00", "--json")
    assert local.json == run(LOG, "-c", FLOW_YAML, "--at", AT, "--json").json


def test_the_table_names_all_nodes() -> None:
    done = run(LOG, "-c", FLOW_YAML, "--at", AT)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Flow at {AT}, window 14d")
    for name in ("portfolio", "Payments", "Checkout", "Cards", "Wallets"):
        assert name in done.out


def test_without_an_instant_it_is_now() -> None:
    assert run(LOG, "-c", FLOW_YAML, "--json").json["at"] > AT


def test_rows_that_are_left_out_are_named(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,time,state\n1,2026-03-01T10:00:00Z,To Do\n2,yesterday,To Do\n")
    done = run(log, "-c", FLOW_YAML, "--at", AT, "--json")
    assert done.status == 0
    assert done.json["at"] == AT
    [line] = done.err.splitlines()
    assert line.startswith(f"flowgauge: skipped {log}:3: ")


# Epic E1 of the portfolio, its feature F1 of an ART, and four children of F1. No backlog holds X1.
LEVELS = """\
item,time,state,previous_state,item_type,project,team,parent,points,key
E1,2026-10-02T10:00:00Z,In Progress,To Do,Epic,PORT,,,,PORT-1
F1,2026-10-03T10:00:00Z,In Progress,To Do,Feature,CHK,,E1,,CHK-7
S1,2026-10-03T10:00:00Z,In Progress,To Do,Story,,Wallets,F1,2.5,
S2,2026-10-04T10:00:00Z,In Progress,To Do,Story,,Wallets,F1,3,
S2,2026-10-05T10:00:00Z,Done,,,,,,,
S3,2026-10-05T10:00:00Z,Won't Do,To Do,Story,,Wallets,F1,1,
X1,2026-10-05T10:00:00Z,In Progress,To Do,Chore,,Wallets,F1,1,
"""
ONLY_STORIES = "{backlog: stories, home: team, holds: {item_type: [Story]}}"
IN_OCTOBER = ("--source", "jira/acme", "--at", "2026-10-06T10:00:00Z")


@pytest.fixture
def levels(tmp_path: Path) -> tuple[object, ...]:
    """A log of three levels, and a configuration whose last backlog holds stories only."""
    log, flow = tmp_path / "log.csv", tmp_path / "flow.yaml"
    log.write_text(LEVELS)
    text = FLOW_YAML.read_text()
    assert "{backlog: stories, home: team}" in text
    flow.write_text(text.replace("{backlog: stories, home: team}", ONLY_STORIES))
    return log, "-c", flow, *IN_OCTOBER


def test_each_node_is_there_once_for_each_backlog_it_shows_and_not_for_what_only_it_owns(
    levels: tuple[object, ...],
) -> None:
    done = run(*levels, "--json").json
    assert list(validator("replay").iter_errors(done)) == []
    shown = [tuple(node[name] for name in NODE_FIELDS) for node in done["nodes"]]
    assert len(set(shown)) == len(shown)
    loads = {place: node["load"]["items"] for place, node in zip(shown, done["nodes"], strict=True)}
    assert {place: load for place, load in loads.items() if load} == {
        ("team", "Payments", "Checkout", "Wallets", "stories"): 1,
        ("art", "Payments", "Checkout", "", "stories"): 1,
        ("art", "Payments", "Checkout", "", "features"): 1,
        ("value_stream", "Payments", "", "", "stories"): 1,
        ("value_stream", "Payments", "", "", "features"): 1,
        ("portfolio", "", "", "", "stories"): 1,
        ("portfolio", "", "", "", "features"): 1,
        ("portfolio", "", "", "", "epics"): 1,
    }
    assert done["unplaced"] == {"jira/acme": {"other": 1}}


def test_the_table_has_a_backlog_for_each_row_and_names_unplaced_items(levels: tuple[object, ...]) -> None:
    lines = run(*levels).out.splitlines()
    assert " backlog " in lines[2]
    [checkout] = [line for line in lines if " Checkout " in line and " features " in line]
    assert checkout.split("│")[3].strip() == "1"
    assert lines[-1] == "In no backlog, and in no number: 1 other of jira/acme"


def test_the_table_of_one_backlog_has_no_column_for_it(levels: tuple[object, ...], tmp_path: Path) -> None:
    flow = tmp_path / "one.yaml"
    flow.write_text(ONE_BACKLOG)
    out = run(levels[0], "-c", flow, *IN_OCTOBER).out
    assert "backlog" not in out
    assert "window pi" in out
    # The increment has not begun.
    early = run(levels[0], "-c", flow, "--at", "2026-10-02T12:00:00Z")
    assert (early.status, early.err) == (0, "")
    [cards] = [line for line in early.out.splitlines() if "Wallets" in line]
    assert [cell.strip() for cell in cards.split("│")[6:-1]] == [""] * 5


def test_an_item_is_as_its_schema_says_with_its_children(levels: tuple[object, ...]) -> None:
    done = run(*levels, "--item", "F1", "--json")
    assert (done.status, done.err) == (0, "")
    found = done.json
    assert found.pop("children") == {"done": 1, "of": 3}
    assert list(validator("item-summary").iter_errors({"v": 3, "config": "0", **found})) == []
    assert (found["item"], found["key"], found["parent"]) == ("F1", "CHK-7", "E1")
    assert (found["owner"], found["backlog"]) == (["Payments", "Checkout", ""], "features")


def test_an_items_stays_and_points_are_there(levels: tuple[object, ...]) -> None:
    found = run(*levels, "--item", "S2", "--json").json
    assert found["stays_us"] == {"In Progress": 86_400_000_000}
    assert found["finish"]["points_millionths"] == 3_000_000
    assert found["children"] == {"done": 0, "of": 0}


def test_an_item_as_a_text(levels: tuple[object, ...]) -> None:
    assert (
        run(*levels, "--item", "F1").out
        == """\
Item F1 of jira/acme at 2026-10-06T10:00:00Z
  key       CHK-7
  parent    E1
  type      feature
  owner     Payments / Checkout
  backlog   features
  state     In Progress (active), for 3.0 d, since 2026-10-03T10:00:00Z
  points    not estimated
  started   2026-10-03T10:00:00Z
  children  1 of 3 done
"""
    )


@pytest.mark.parametrize("item", ["CHK-7", "s1", "", "\0objective\0S1"])
def test_an_item_that_is_not_known(levels: tuple[object, ...], item: str) -> None:
    refusal = run(*levels, "--item", item).refusal
    assert refusal.startswith("no item ")
    assert refusal.endswith(" is known at 2026-10-06T10:00:00Z: give the id of an item (`item`, not `key`)")


def test_an_item_is_not_known_before_its_first_event(levels: tuple[object, ...]) -> None:
    assert run(*levels, "--at", "2026-10-02T09:59:59Z", "--item", "E1").refusal.startswith("no item 'E1' is known")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'LOG'"),
        ([str(LOG), "--at", "noon"], "Invalid value for '--at': 'noon'"),
        ([str(LOG), "--at", "2026-11-22T10:15:00"], "Invalid value for '--at'"),
        ([str(LOG), "--map", "=item"], "Invalid value for '--map'"),
        ([str(LOG), "--source", "a\nb"], "Invalid value for '--source'"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in run(*arguments).wrong_use


def test_a_log_that_is_not_there() -> None:
    assert "'nowhere.csv' cannot be opened" in run("nowhere.csv", "-c", FLOW_YAML).refusal


def test_a_configuration_that_is_not_there() -> None:
    assert "nowhere.yaml" in run(LOG, "-c", "nowhere.yaml").refusal


def test_a_column_that_the_log_does_not_have() -> None:
    assert "'status'" in run(LOG, "-c", FLOW_YAML, "--map", "status=state").refusal


def test_it_asks_for_no_setting() -> None:
    assert run(LOG, "-c", FLOW_YAML, "--at", AT, FLOW_KAFKA_BROKERS="http://", FLOW_WEB_PORT="x").status == 0
