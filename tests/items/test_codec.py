"""The summary as bytes: a round trip, and what is not read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from stream.items.codec import VERSION, decode_summary, encode_summary
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


@pytest.mark.parametrize("changed", [{"config": "another"}, {"v": VERSION + 1}])
def test_what_another_configuration_or_version_wrote_is_left_out(changed: dict[str, Any]) -> None:
    row = orjson.loads(encode_summary(FULL, "abc"))
    assert decode_summary(orjson.dumps(row | changed), "abc") is None


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null"])
def test_what_is_no_summary_is_an_error_that_measure_knows(value: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode_summary(value, "abc")
