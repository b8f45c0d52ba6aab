from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from stream.events.decode import decode, read_envelope
from stream.events.encode import encode, envelope, key_of
from stream.events.event import Event, EventType
from tests.events.strategies import ARRIVAL, events

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CALMLY
@given(events())
def test_what_is_encoded_is_decoded_to_the_same_event(event: Event) -> None:
    assert decode(key_of(event), encode(event), [], ARRIVAL) == event
    assert read_envelope(envelope(event), ARRIVAL) == event


def test_the_envelope_is_the_contracts() -> None:
    event = Event("jira/acme", "8812345", ARRIVAL, "042", EventType.CHANGED, "10042", {"state": "Done"})
    expected = {
        "specversion": "1.0",
        "id": "8812345",
        "source": "jira/acme",
        "type": "flow.item.changed",
        "time": "2026-11-23T00:00:00Z",
        "sequence": "042",
        "data": {"item": "10042", "state": "Done"},
    }
    assert envelope(event) == expected
    assert key_of(event) == b"10042"
    objective = envelope(replace(event, type=EventType.OBJECTIVE, sequence="", changes={"pi": "2026.4"}))
    assert "sequence" not in objective
    assert objective["data"] == {"objective": "10042", "pi": "2026.4"}
