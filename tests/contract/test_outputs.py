"""What the code really writes fits the published schemas."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.decode import decode
from stream.events.encode import envelope
from stream.events.rejection import Reason, Rejection
from stream.events.time import format_time
from stream.flow.report import NodeNumbers, Reading, as_json, by_source
from stream.flow.watch import Watch
from stream.items.outcome import Refusal
from stream.worker.feed_messages import alert, measured, read_alert
from stream.worker.letters import dead_letter
from tests.contract.documents import example, examples, validator
from tests.oracle.configurations import configs
from tests.oracle.histories import event_lists, instants
from tests.properties.engine import Engine, accepted, configured, microseconds

EVENT = validator("event")
SUMMARY = validator("item-summary")
OBJECTIVE = validator("objective-summary")
REPLAY = validator("replay")
NODE = validator("node-measured")
ALERT = validator("alert")
LETTER = validator("dead-letter")


class Record(NamedTuple):
    """A record as a Kafka client gives it."""

    offset: int = 17
    key: bytes | None = b"7"
    value: bytes | None = b"?"
    headers: tuple[tuple[str, bytes], ...] = (("traceparent", b"00"),)
    timestamp: int = 1_795_399_193_659


@settings(max_examples=60, deadline=None)
@given(st.data(), instants())
def test_events_summaries_and_numbers_fit_their_schemas(data: st.DataObject, at: datetime) -> None:
    config: dict[str, Any] = data.draw(configs())
    events = [event for _, event in accepted(data.draw(event_lists(config)))]
    for event in events:
        if event.type != "flow.objective.changed":
            EVENT.validate(envelope(event))
    engine = Engine(configured(config), microseconds(at))
    engine.add(events)
    for value in engine.items.values():
        summary = orjson.loads(value)
        (OBJECTIVE if "objective" in summary else SUMMARY).validate(summary)
    boards = engine.boards()
    nodes = [numbers for numbers in Reading(engine.config, boards).read(engine.now) if not numbers.node.own]
    body = {
        "at": format_time(engine.now),
        "nodes": [as_json(numbers, engine.now) for numbers in nodes],
        "unplaced": by_source(boards.unplaced({0})),
    }
    REPLAY.validate(orjson.loads(orjson.dumps(body)))
    _feed_fits(nodes, engine.now)


def _feed_fits(nodes: list[NodeNumbers], now: int) -> None:
    for numbers in nodes:
        NODE.validate(orjson.loads(measured(numbers.node, as_json(numbers, now), now).value or b""))
    changes = Watch().look(nodes, now)
    told = [alert(change, now) for change in changes]
    for row in told:
        ALERT.validate(orjson.loads(row.value or b""))
    assert [read_alert(row.key or b"", row.value) for row in told] == [change[:2] for change in changes]


def test_dead_letters_fit_their_schema_for_every_reason() -> None:
    for reason in Reason:
        row = dead_letter(Refusal(Record(), Rejection(reason, "what, and the mend")), "flow.events", 3)
        assert (row.key, row.value) == (b"7", b"?")
        headers = {name: text.decode() for name, text in row.headers}
        assert headers.pop("traceparent") == "00"
        LETTER.validate(headers)
        assert headers["flow_reason"] == reason.value


def test_the_valid_examples_of_events_are_taken() -> None:
    for name in examples("event", "valid"):
        body = example(name)
        key = body["data"].get("item", body["data"].get("objective"))
        assert decode(key.encode(), orjson.dumps(body), [], microseconds(datetime.fromisoformat(body["time"]))).id
