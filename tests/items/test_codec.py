"""The summary as bytes: a round trip, and what is not read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from stream.items import codec
from stream.items.codec import SUMMARY_VERSION, counted, decode_counted, encode_summary, summary_as_json
from stream.items.summary import UNASSIGNED, Counted, FlowState, Owner, Spell, Stamp, Summary
from tests.items.whole import read_whole

CARDS = Owner("Payments", "Checkout", "Cards")
BARE = Summary("1", "jira/acme", UNASSIGNED, "other", None, None)
FULL = Summary(
    item="é 1",
    source="jira/acme",
    owner=CARDS,
    item_type="feature",
    state="Done",
    flow_state=FlowState.DONE,
    backlog="stories",
    key="PAY-1",
    parent="é 0",
    points=500_000,
    state_since=7,
    blocked_since=6,
    deleted=True,
    start=Stamp(-5, UNASSIGNED, "other", None),
    start_is_lower_bound=True,
    finish=Stamp(2**53 + 1, CARDS, "feature", "stories", 3_000_000),
    active=3,
    stays={"Doing": 3, "": 4},
    left_at={"Doing": 3, "": 9},
    spells=(Spell(-5, 4, UNASSIGNED, None), Spell(4, None, CARDS, "stories")),
    spells_are_cut=True,
)


@pytest.mark.parametrize("summary", [BARE, FULL, replace(FULL, finish=None), replace(BARE, start=FULL.start)])
def test_a_summary_is_read_as_it_was_written(summary: Summary) -> None:
    value = encode_summary(summary, "abc")
    assert read_whole(value, "abc") == summary
    assert decode_counted(value, "abc") == counted(summary)


def test_a_summary_is_written_with_the_names_and_units_of_its_schema() -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert list(row) == [
        *("v", "config", "item", "source", "owner", "item_type", "state", "flow_state", "backlog"),
        *("points_millionths", "blocked_since_us", "deleted", "start", "start_is_lower_bound", "finish", "active_us"),
        *("stays_us", "key", "parent", "state_since_us", "left_at_us", "spells", "spells_are_cut"),
    ]
    nobody, cards = ["unassigned"] * 3, ["Payments", "Checkout", "Cards"]
    assert row["finish"] == {
        "time_us": 2**53 + 1,
        "owner": cards,
        "item_type": "feature",
        "backlog": "stories",
        "points_millionths": 3_000_000,
    }
    assert row["spells"] == [[-5, 4, nobody, None], [4, None, cards, "stories"]]


def test_a_summary_as_json_is_what_is_written_without_version_and_derivation() -> None:
    for summary in (FULL, BARE):
        row = orjson.loads(encode_summary(summary, "abc"))
        written = orjson.loads(orjson.dumps(summary_as_json(summary)))
        assert {"v": SUMMARY_VERSION, "config": "abc", **written} == row


def test_fields_may_come_in_any_order() -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert decode_counted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), "abc") == counted(FULL)


def test_what_summaries_have_in_common_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(summary: Summary) -> Counted:
        found = decode_counted(encode_summary(summary, "abc"), "abc")
        assert isinstance(found, Counted)
        return found

    monkeypatch.setattr(codec, "_owners", {})
    one, other, bare = read(FULL), read(replace(FULL, item="2", key="2")), read(BARE)
    assert one.start is not None
    assert one.finish is not None
    assert other.finish is not None
    assert one.owner is other.owner is other.finish.owner
    assert one.start.owner is bare.owner
    assert one.backlog is other.backlog is one.finish.backlog
    assert (one.source, one.state) == (other.source, other.state)
    assert one.source is other.source is bare.source
    assert one.state is other.state
    assert one.item_type is other.finish.item_type
    again = read(BARE)
    assert again.stays is bare.stays
    monkeypatch.setattr(codec, "MAX_REMEMBERED", 2)
    for number in range(9):
        read(replace(BARE, owner=Owner("Payments", "Checkout", f"{number}")))
    assert len(codec._owners) <= 2


@pytest.mark.parametrize("changed", [{"config": "another"}, {"v": SUMMARY_VERSION + 1}])
def test_what_another_configuration_or_version_wrote_is_left_out(changed: dict[str, Any]) -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert decode_counted(orjson.dumps(row | changed), "abc") is None


NOWHERE = encode_summary(replace(FULL, flow_state=FlowState.ACTIVE, state=None), "abc")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"[" * 5_000,
        b'{"x":' * 5_000,
        NOWHERE,
        encode_summary(FULL, "abc").replace(b'"stays_us":{', b'"stays_us":{"a":99999999999999999999,'),
    ],
)
def test_what_is_no_summary_is_an_error_that_measure_knows(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode_counted(value, "abc")
