"""The summary as bytes: a round trip, and what is not read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from stream.items import codec
from stream.items.codec import SUMMARY_VERSION, decode_summary, encode_summary
from stream.items.summary import UNASSIGNED, FlowState, Stamp, Summary, Team

CARDS = Team("Payments", "Checkout", "Cards")
BARE = Summary("1", "jira/acme", UNASSIGNED, "other", None, None)
FULL = Summary(
    item="é 1",
    source="jira/acme",
    owner=CARDS,
    item_type="feature",
    state="Done",
    flow_state=FlowState.DONE,
    blocked_since=6,
    deleted=True,
    start=Stamp(-5, UNASSIGNED, "other"),
    start_is_lower_bound=True,
    finish=Stamp(2**53 + 1, CARDS, "feature"),
    active=3,
    stays={"Doing": 3, "": 4},
)


@pytest.mark.parametrize("summary", [BARE, FULL, replace(FULL, finish=None), replace(BARE, start=FULL.start)])
def test_a_summary_is_read_as_it_was_written(summary: Summary) -> None:
    assert decode_summary(encode_summary(summary, "abc"), "abc") == summary


def test_fields_may_come_in_any_order() -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert decode_summary(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), "abc") == FULL


def test_what_summaries_have_in_common_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(summary: Summary) -> Summary:
        found = decode_summary(encode_summary(summary, "abc"), "abc")
        assert isinstance(found, Summary)
        return found

    monkeypatch.setattr(codec, "_teams", {})
    one, other, bare = read(FULL), read(replace(FULL, item="2")), read(BARE)
    assert one.start is not None
    assert other.finish is not None
    assert one.owner is other.owner is other.finish.owner
    assert one.start.owner is bare.owner
    assert (one.source, one.state) == (other.source, other.state)
    assert one.source is other.source is bare.source
    assert one.state is other.state
    assert one.item_type is other.finish.item_type
    assert read(BARE).stays is bare.stays
    monkeypatch.setattr(codec, "MAX_REMEMBERED", 2)
    for number in range(9):
        read(replace(BARE, owner=Team("Payments", "Checkout", f"{number}")))
    assert len(codec._teams) <= 2


@pytest.mark.parametrize("changed", [{"config": "another"}, {"v": SUMMARY_VERSION + 1}])
def test_what_another_configuration_or_version_wrote_is_left_out(changed: dict[str, Any]) -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert decode_summary(orjson.dumps(row | changed), "abc") is None


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
        decode_summary(value, "abc")
