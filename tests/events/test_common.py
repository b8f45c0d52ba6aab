"""The common event is read by another way: never another event, never one that would be refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.events import common
from stream.events.common import read_common
from stream.events.decode import _read_any, decode_value
from stream.events.event import Event
from stream.events.limits import MAX_FIELDS
from stream.events.rejection import Rejection
from tests.events.strategies import ARRIVAL

CALMLY = settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "jira/acme:10042:8812345",
    "source": "jira/acme",
    "type": "flow.item.changed",
    "time": "2026-11-22T10:15:00.250Z",
    "sequence": "000000000042",
    "data": {
        "item": "10042", "key": "PAY-17", "state": "In Progress", "team": "Cards", "item_type": "Story", "points": 5,
        "blocked": False, "labels": ["checkout"], "title": "…", "url": "https://example.org/1", "project": "PAY",
    },
}  # fmt: skip
TEXTS = st.sampled_from(
    ["", " ", "a", "1", "\u00a0", "\u2028", "\x00", "\x85", "é", "🦄", "x" * 40, "x" * 41, "x" * 257, "x" * 1_025]
)
NUMBERS = st.sampled_from([0, -1, 5, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 0.0, -0.0, 1.0, 1e300, 5e-324])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=18) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=20,
)
FIELDS = st.sampled_from([*ENVELOPE["data"], "previous_state", "further", "", "x" * 256, "x" * 257])
ATTRIBUTES = st.sampled_from([*ENVELOPE, "subject", "datacontenttype", "traceparent"])
TIMES = st.sampled_from(
    ["2026-11-22T10:15:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2027-01-01T00:00:00Z", "2026-11-22"]
)
KINDS = st.sampled_from(["flow.item.deleted", "flow.item.erased", "flow.objective.changed", "flow.item"])


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """Draw an event that is like the contract's, in what is changed of it anything."""
    envelope = ENVELOPE | {"data": ENVELOPE["data"] | draw(st.dictionaries(FIELDS, VALUES, max_size=3))}
    for field in draw(st.lists(FIELDS, max_size=4)):
        envelope["data"].pop(field, None)
    envelope |= draw(st.dictionaries(ATTRIBUTES, VALUES, max_size=1))
    envelope |= draw(st.fixed_dictionaries({}, optional={"time": TIMES, "type": KINDS}))
    if draw(st.integers(0, 9)) == 0:
        envelope.pop(draw(ATTRIBUTES), None)
    return json.dumps(envelope, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


def written(event: Event) -> bytes:
    """Tell apart what compares equal, such as 1, 1.0 and true."""
    return orjson.dumps([event.type, event.time, event.changes], option=orjson.OPT_SORT_KEYS)


def assert_alike(value: bytes) -> bool:
    quick = read_common(value, ARRIVAL)
    if quick is not None:
        slow = _read_any(value, ARRIVAL, None)
        assert quick == slow
        assert written(quick) == written(slow)
    return quick is not None


@CALMLY
@given(values())
def test_it_is_the_event_that_is_read_field_by_field(value: bytes) -> None:
    assert_alike(value)


@CALMLY
@given(values(), st.integers(0, 400), st.binary(max_size=3))
def test_so_it_is_where_bytes_are_broken(value: bytes, place: int, inserted: bytes) -> None:
    assert_alike(value[:place] + inserted + value[place:])
    assert_alike(value[:place] + inserted + value[place + len(inserted) :])


def test_what_the_contract_shows_is_common() -> None:
    assert assert_alike(orjson.dumps(ENVELOPE))
    assert assert_alike(orjson.dumps(ENVELOPE | {"type": "flow.item.deleted", "data": {"item": "1"}}))


@pytest.mark.parametrize(
    "number", ["-0", "-0.0", "1E2", "1e-400", "123456789.123456789", "0.1e1", "1e9", "-1", "1e300"]
)
def test_numbers_are_read_alike(number: str) -> None:
    assert assert_alike(orjson.dumps(ENVELOPE).replace(b'"points":5', f'"points":{number}'.encode()))


@pytest.mark.parametrize("number", ["-1", "-0", "9007199254740993", "1e400", "1e-400", "0.1e1"])
def test_numbers_of_any_other_field_are_read_alike(number: str) -> None:
    assert_alike(orjson.dumps(ENVELOPE).replace(b'"project":"PAY"', f'"project":{number}'.encode()))


def test_the_last_of_two_equal_fields_counts() -> None:
    assert assert_alike(orjson.dumps(ENVELOPE).replace(b'"points":5', b'"points":5,"state":"Done","points":null'))


def test_a_field_too_many_is_left_to_its_rejection() -> None:
    data = {f"f{number}": number for number in range(MAX_FIELDS - 1)} | {"item": "1"}
    assert assert_alike(orjson.dumps(ENVELOPE | {"data": data}))
    value = orjson.dumps(ENVELOPE | {"data": data | {"one": 1}})
    assert read_common(value, ARRIVAL) is None
    with pytest.raises(Rejection, match="data has 101 fields"):
        decode_value(value, ARRIVAL)


def test_the_number_of_remembered_sources_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_MAX_SOURCES", 2)
    monkeypatch.setattr(common, "_sources", {})
    events = [read_common(orjson.dumps(ENVELOPE | {"source": f"s{number // 2}"}), ARRIVAL) for number in range(10)]
    assert [event.source for event in events if event] == [f"s{number // 2}" for number in range(10)]
    assert all(one and two and one.source is two.source for one, two in zip(events[::2], events[1::2], strict=True))
    assert len(common._sources) <= 2
