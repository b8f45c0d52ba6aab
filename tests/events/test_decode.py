from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.events.decode import decode, decode_value, quoted
from stream.events.encode import encode, envelope, key_of
from stream.events.event import Event, EventType
from stream.events.limits import MAX_AHEAD, MAX_EVENT_BYTES
from stream.events.rejection import Reason, Rejection
from stream.events.time import format_time
from tests.events.strategies import ARRIVAL, events

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "jira/acme:10042:8812345",
    "source": "jira/acme",
    "type": "flow.item.changed",
    "time": "2026-11-22T10:15:00.250Z",
    "sequence": "000000000042",
    "data": {"item": "10042", "state": "In Progress"},
}
OBJECTIVE = ENVELOPE | {"type": "flow.objective.changed"}
ABSENT = object()
NO_NAMES: list[object] = [1, [], "x" * 257]
NO_LABELS: list[object] = ["a", [1], ["a", None], ["x" * 257], ["a"] * 101, {"a": 1}]


def value_of(**attributes: Any) -> bytes:
    whole = ENVELOPE | attributes
    return orjson.dumps({name: value for name, value in whole.items() if value is not ABSENT})


def with_data(data: dict[str, Any], kind: str = "flow.item.changed") -> Event:
    return decode(b"10042", value_of(type=kind, data={"item": "10042"} | data), [], ARRIVAL)


def refusal(
    value: bytes | None, key: bytes | None = b"10042", headers: list[tuple[str, bytes]] | None = None
) -> Rejection:
    with pytest.raises(Rejection) as caught:
        decode(key, value, headers or [], ARRIVAL)
    assert len(caught.value.detail) < 400
    assert caught.value.detail.isprintable()
    return caught.value


def refusal_of(data: dict[str, Any], kind: str = "flow.item.changed") -> Rejection:
    return refusal(value_of(type=kind, data={"item": "10042"} | data))


def test_a_structured_event() -> None:
    event = decode(b"10042", value_of(), [("content-type", b"application/cloudevents+json")], ARRIVAL)
    assert event == Event(
        source="jira/acme",
        id="jira/acme:10042:8812345",
        time=1_795_342_500_250_000,
        sequence="000000000042",
        type=EventType.CHANGED,
        item="10042",
        changes={"state": "In Progress"},
    )


def binary(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = envelope(event)
    data = orjson.dumps(attributes.pop("data"))
    return data, [(f"ce_{name}", value.encode()) for name, value in attributes.items()]


@CALMLY
@given(events())
def test_both_modes_give_the_same_event(event: Event) -> None:
    data, headers = binary(event)
    extra = [("content-type", b"application/json"), ("ce_subject", b"\xff"), ("traceparent", b"00")]
    assert decode(key_of(event), data, headers + extra, ARRIVAL) == event


def test_structured_mode_is_what_the_content_type_says_even_beside_attributes() -> None:
    headers = [("ce_id", b"other"), ("content-type", b"Application/CloudEvents+json; charset=utf-8")]
    assert decode(b"10042", value_of(), headers, ARRIVAL).id == ENVELOPE["id"]


@pytest.mark.parametrize("value", [b"{", b"", b"\xff", b"[" * 5_000, b'"\xc3"', b"NaN", b"\xef\xbb\xbf{}"])
def test_what_is_not_json(value: bytes) -> None:
    assert refusal(value).reason is Reason.NOT_JSON
    headers = [("ce_source", b"jira/acme")]
    assert refusal(value, headers=headers).source == "jira/acme"


@CALMLY
@given(st.binary(max_size=80), st.none() | st.binary(max_size=5))
def test_any_bytes_give_a_rejection(value: bytes, key: bytes | None) -> None:
    assert refusal(value, key).reason in {Reason.NOT_JSON, Reason.NOT_AN_EVENT}


@CALMLY
@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists, max_leaves=5))
def test_any_json_in_any_place_gives_an_event_or_a_rejection(value: Any) -> None:
    for name in ENVELOPE:
        try:
            decode_value(value_of(**{name: value}), ARRIVAL)
        except Rejection as rejection:
            assert rejection.detail.isprintable()
    for field in ("item", "state", "blocked", "points", "labels", "further"):
        try:
            with_data({field: value})
        except Rejection as rejection:
            assert rejection.reason in {Reason.BAD_FIELD, Reason.KEY_MISMATCH}
            assert rejection.source == "jira/acme"


def test_a_tombstone_and_a_giant() -> None:
    assert refusal(None).reason is Reason.TOMBSTONE
    assert "flow.item.deleted" in refusal(None).detail
    assert decode(b"10042", value_of().ljust(MAX_EVENT_BYTES), [], ARRIVAL).item == "10042"
    giant = refusal(value_of().ljust(MAX_EVENT_BYTES + 1))
    assert giant.reason is Reason.TOO_LARGE
    assert "1,048,577" in giant.detail


@pytest.mark.parametrize("value", [b"[]", b"3", b'"text"', b"null", b"true"])
def test_what_is_no_object_is_no_event(value: bytes) -> None:
    assert refusal(value).reason is Reason.NOT_AN_EVENT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", ABSENT),
        ("specversion", "0.3"),
        ("specversion", 1.0),
        ("id", ABSENT),
        ("id", " "),
        ("id", 7),
        ("id", "x" * 1_025),
        ("id", "a\nb"),
        ("source", ABSENT),
        ("source", ""),
        ("source", "x" * 257),
        ("source", "jira\x7f"),
        ("source", None),
        ("type", ABSENT),
        ("type", ""),
        ("type", ["flow.item.changed"]),
        ("data", ABSENT),
        ("data", "{}"),
        ("data", [1]),
        ("data", None),
    ],
)
def test_what_makes_it_no_event_is_named(name: str, value: object) -> None:
    rejection = refusal(value_of(**{name: value}))
    assert rejection.reason is Reason.NOT_AN_EVENT
    assert rejection.detail.startswith(f"{name} is ")
    assert ("missing" in rejection.detail) == (value is ABSENT)
    assert rejection.source == ("" if name == "source" else "jira/acme")


def test_headers_that_are_not_text_are_no_attributes() -> None:
    data, headers = binary(decode(b"10042", value_of(), [], ARRIVAL))
    broken = [(name, b"\xff" if name == "ce_id" else value) for name, value in headers]
    assert refusal(data, headers=broken).detail.startswith("id is b'\\xff'")
    null: list[Any] = [(name, None if name == "ce_id" else value) for name, value in headers]
    assert refusal(data, headers=[*null, ("content-type", null[1][1])]).detail.startswith("id is null")


def test_the_refusal_of_an_unknown_type_lists_the_known_ones() -> None:
    rejection = refusal(value_of(type="flow.item.chnaged"))
    assert rejection.reason is Reason.UNKNOWN_TYPE
    assert "'flow.item.chnaged'" in rejection.detail
    assert all(kind in rejection.detail for kind in EventType)


@pytest.mark.parametrize("item", ["", " ", 1.5, True, None, [], {}, "x" * 257, "a\tb", "a\x85b", 2.0**70])
def test_an_item_that_names_nothing(item: object) -> None:
    rejection = refusal(value_of(data={"item": item}))
    assert rejection.reason is Reason.BAD_FIELD
    assert rejection.detail.startswith("item is ")


def test_a_missing_item() -> None:
    rejection = refusal(value_of(data={"key": "PAY-17"}))
    assert (rejection.reason, rejection.source) == (Reason.BAD_FIELD, "jira/acme")
    assert rejection.detail.startswith("item is missing: ")


def test_items_as_numbers_and_with_odd_but_harmless_characters() -> None:
    assert decode(b"10042", value_of(data={"item": 10042}), [], ARRIVAL).item == "10042"
    odd = "ä\u00a0\u2028ж"
    assert decode(odd.encode(), value_of(data={"item": odd}), [], ARRIVAL).item == odd


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, bad) for field in ("state", "previous_state", "team", "item_type") for bad in NO_NAMES),
        ("blocked", "true"),
        ("blocked", 1),
        ("points", "5"),
        ("points", True),
        *(("labels", bad) for bad in NO_LABELS),
        ("component", "x" * 4_097),
        ("component", ["x" * 4_095]),
        ("component", {"a": "ä" * 2_048}),
        ("x" * 257, 1),
        ("x\n" * 100, "x" * 4_097),
    ],
)
def test_a_field_that_cannot_be_taken(field: str, value: object) -> None:
    rejection = refusal_of({field: value})
    assert rejection.reason is Reason.BAD_FIELD
    assert rejection.detail.startswith(field if len(field) < 60 else quoted(field))
    assert rejection.source == "jira/acme"


@pytest.mark.parametrize("points", [0, -0.0, 0.5, 10**9, -1, 1e300, None])
def test_points_may_be_any_number(points: float | None) -> None:
    assert with_data({"points": points}).changes == {"points": points}


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_nesting_is_bounded_below_what_json_writers_take() -> None:
    assert with_data({"component": nested(32)}).changes["component"] == nested(32)
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    value = value_of(data={"item": "10042", "component": 0}).replace(b"0}", deep + b"}")
    for rejection in (refusal_of({"component": nested(33)}), refusal(value)):
        assert rejection.reason is Reason.BAD_FIELD
        assert "nest at most 32" in rejection.detail


def test_the_number_of_fields_is_bounded() -> None:
    assert len(with_data({f"field {n}": n for n in range(99)}).changes) == 99
    rejection = refusal_of({f"field {n}": n for n in range(100)})
    assert (rejection.reason, rejection.source) == (Reason.BAD_FIELD, "jira/acme")


def test_fields_at_their_limits_are_taken_in_one_form() -> None:
    data = {
        "state": "x" * 256,
        "previous_state": None,
        "team": "",
        "blocked": None,
        "points": 2.5,
        "labels": ["x" * 256] * 100,
        "component": "x" * 4_096,
        "further": ["x" * 4_092],
        "count": 7,
        "title": "Somebody's name",
        "url": {"not": "looked at"},
    }
    kept = {field: value for field, value in data.items() if field not in ("title", "url")}
    assert with_data(data).changes == kept | {"blocked": False}
    assert with_data({"labels": None, "blocked": True}).changes == {"labels": [], "blocked": True}


def test_a_deleted_item_keeps_its_fields_and_an_erased_one_none() -> None:
    assert with_data({"state": "Done"}, "flow.item.deleted").changes == {"state": "Done"}
    assert with_data({"state": 7, "points": "many"}, "flow.item.erased").changes == {}
    assert refusal_of({"state": 7}, "flow.item.deleted").reason is Reason.BAD_FIELD


def objective(data: dict[str, Any], key: bytes = b"PI-7") -> Event:
    return decode(key, value_of(type="flow.objective.changed", data=data), [], ARRIVAL)


def test_an_objective_keeps_its_own_fields_only() -> None:
    data = {"pi": "2026.4", "team": "Cards", "committed": True, "planned_value": 8, "actual_value": 0.5}
    event = objective({"objective": "PI-7", "item": "10042", "title": "…", "state": 3} | data)
    assert (event.item, event.changes) == ("PI-7", data)
    assert objective({"objective": 7, "actual_value": None}, b"7").changes == {"actual_value": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("objective", None),
        ("pi", 4),
        ("team", []),
        ("committed", "yes"),
        ("planned_value", "8"),
        ("planned_value", -1),
        ("actual_value", -0.5),
        ("actual_value", True),
    ],
)
def test_an_objective_that_cannot_be_taken(field: str, value: object) -> None:
    with pytest.raises(Rejection) as caught:
        objective({"objective": "PI-7"} | {field: value})
    assert caught.value.reason is Reason.BAD_FIELD
    assert caught.value.detail.startswith(f"{field} is {quoted(value)}: ")


@pytest.mark.parametrize(("given", "taken"), [(ABSENT, ""), (None, ""), (42, "42"), ("0" * 256, "0" * 256)])
def test_a_sequence(given: object, taken: str) -> None:
    assert decode(b"10042", value_of(sequence=given), [], ARRIVAL).sequence == taken


@pytest.mark.parametrize("sequence", [True, 1.5, [], "x" * 257, "4\n2"])
def test_a_sequence_that_cannot_be_compared(sequence: object) -> None:
    rejection = refusal(value_of(sequence=sequence))
    assert rejection.reason is Reason.BAD_FIELD
    assert rejection.detail.startswith("sequence is ")


@pytest.mark.parametrize("time", [ABSENT, None, 1_795_342_500, "", "2026-11-22T10:15:00", "x" * 10_000])
def test_a_time_that_says_nothing(time: object) -> None:
    rejection = refusal(value_of(time=time))
    assert (rejection.reason, rejection.source) == (Reason.BAD_TIME, "jira/acme")
    assert ("arrival time is never used" in rejection.detail) == (time in (ABSENT, None))


def test_the_future_begins_thirty_days_after_arrival() -> None:
    last = ARRIVAL + MAX_AHEAD
    assert decode(b"10042", value_of(time=format_time(last)), [], ARRIVAL).time == last
    rejection = refusal(value_of(time=format_time(last + 1)))
    assert (rejection.reason, rejection.source) == (Reason.IN_THE_FUTURE, "jira/acme")
    assert quoted(format_time(last + 1)) in rejection.detail


@pytest.mark.parametrize("key", [None, b"", b"10043", b"PAY-17", b"10042 ", b"\xff\x00"])
def test_the_key_must_be_the_item(key: bytes | None) -> None:
    rejection = refusal(value_of(), key)
    assert (rejection.reason, rejection.source) == (Reason.KEY_MISMATCH, "jira/acme")
    assert "'10042'" in rejection.detail


def test_the_first_reason_in_the_documented_order_is_given() -> None:
    wrong: dict[str, Any] = {
        "id": "",
        "type": "unknown",
        "data": {"item": "10042", "blocked": "maybe"},
        "time": "yesterday",
    }
    reasons = []
    for name in list(wrong):
        reasons.append(refusal(value_of(**wrong), b"other").reason)
        del wrong[name]
    wrong = {"time": "2999-01-01T00:00:00Z"}
    reasons += [refusal(value_of(**wrong), b"other").reason, refusal(value_of(), b"other").reason]
    assert reasons == [
        Reason.NOT_AN_EVENT,
        Reason.UNKNOWN_TYPE,
        Reason.BAD_FIELD,
        Reason.BAD_TIME,
        Reason.IN_THE_FUTURE,
        Reason.KEY_MISMATCH,
    ]


def test_a_log_has_no_key_to_check() -> None:
    assert decode_value(encode(decode(b"10042", value_of(), [], ARRIVAL)), ARRIVAL).item == "10042"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("it's\n", '"it\'s\\n"'),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 60}…'"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (None, "null"),
        (True, "true"),
        (2.5, "2.5"),
    ],
)
def test_values_are_quoted_in_one_short_line(value: object, shown: str) -> None:
    assert quoted(value) == shown
