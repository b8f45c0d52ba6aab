"""Durations, unplaced items and items as a reader would write them."""

from __future__ import annotations

import pytest

from stream.cli.tables import duration, item_lines, unplaced_line
from stream.events.time import parse_time
from stream.flow.parents import Children
from stream.items.summary import UNASSIGNED, FlowState, Owner, Stamp, Summary

CARDS, CHECKOUT = Owner("Payments", "Checkout", "Cards"), Owner("Payments", "Checkout", "")
START, FINISH = parse_time("2026-10-01T10:00:00Z"), parse_time("2026-10-03T10:00:00Z")
AT = parse_time("2026-10-05T10:00:00Z")
BEGUN = Stamp(START, CARDS, "feature", "stories")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.0, "0 min"),
        (59 * 60.0, "59 min"),
        (3_600.0, "1.0 h"),
        (36 * 3_600.0, "1.5 d"),
        (400 * 86_400.0, "400.0 d"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_unplaced_items_are_named_by_source_and_type() -> None:
    counts = {("jira/acme", "other"): 1_200, ("github/acme", "defect"): 2}
    assert unplaced_line(counts) == "In no backlog, and in no number: 2 defect of github/acme, 1,200 other of jira/acme"


def facts(item: Summary, children: tuple[int, int] = (0, 0)) -> dict[str, str]:
    head, *lines = item_lines(item, Children(*children), AT)
    assert head == "Item 7 of jira/acme at 2026-10-05T10:00:00Z"
    return {line[2:11].strip(): line[12:] for line in lines}


def test_an_item_in_progress() -> None:
    item = Summary(
        "7", "jira/acme", CARDS, "feature", "Doing", FlowState.ACTIVE, "stories", key="PAY-7", parent="3",
        points=2_500_000, state_since=FINISH, blocked_since=FINISH, start=BEGUN, start_is_lower_bound=True,
    )  # fmt: skip
    assert facts(item, (1, 2)) == {
        "key": "PAY-7",
        "parent": "3",
        "type": "feature",
        "owner": "Payments / Checkout / Cards",
        "backlog": "stories",
        "state": "Doing (active), for 2.0 d, since 2026-10-03T10:00:00Z",
        "blocked": "for 2.0 d, since 2026-10-03T10:00:00Z",
        "points": "2.5",
        "started": "2026-10-01T10:00:00Z, or before",
        "children": "1 of 2 done",
    }


@pytest.mark.parametrize(
    ("points", "shown"),
    [(0, "0"), (1, "0.000001"), (1_234_567_500_000, "1,234,567.5"), (10**15, "1,000,000,000")],
)
def test_points_are_written_out(points: int, shown: str) -> None:
    item = Summary("7", "jira/acme", CARDS, "feature", "Doing", FlowState.ACTIVE, "stories", points=points, start=BEGUN)
    assert facts(item)["points"] == shown


def test_a_finished_item_that_was_another_one_before() -> None:
    item = Summary(
        "7", "jira/acme", CHECKOUT, "risk", "Done", FlowState.DONE, None, state_since=FINISH, start=BEGUN,
        finish=Stamp(FINISH, CHECKOUT, "risk", None),
    )  # fmt: skip
    assert facts(item) == {
        "type": "risk",
        "owner": "Payments / Checkout",
        "backlog": "none: it is in no number",
        "state": "Done (done), for 2.0 d, since 2026-10-03T10:00:00Z",
        "points": "not estimated",
        "started": "2026-10-01T10:00:00Z, owned by Payments / Checkout / Cards, in backlog stories, as feature",
        "finished": "2026-10-03T10:00:00Z",
        "flow time": "2.0 d",
    }


@pytest.mark.parametrize(("owner", "shown"), [(Owner("", "", ""), "portfolio"), (UNASSIGNED, "nobody")])
def test_items_without_a_state_of_the_portfolio_and_of_nobody(owner: Owner, shown: str) -> None:
    item = Summary("7", "jira/acme", owner, "other", None, None, "epics")
    assert (facts(item)["owner"], facts(item)["state"]) == (shown, "none")


def test_a_deleted_item() -> None:
    item = Summary(
        "7", "jira/acme", CARDS, "other", "Doing", FlowState.ACTIVE, "epics", state_since=START, deleted=True
    )
    assert facts(item)["state"] == "deleted"
