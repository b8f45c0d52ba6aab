"""What measure makes of batches of summaries that come again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest
from faust.types import TP

from stream.agents.engine import Engine
from stream.agents.measure import Measure
from stream.items.codec import encode_summary
from stream.items.summary import FlowState, Summary, Team
from stream.kafka.transport import Consumer, Polled
from stream.settings import Settings

ITEMS = TP("flow.items", 0)
OWNER = Team("Payments", "Checkout", "Cards")
FLOW_YAML = Path(__file__).parents[2] / "deploy" / "flow.yaml"


class Record(NamedTuple):
    """A record, as far as measure looks at it."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int = 0


@pytest.fixture
def engine() -> Engine:
    return Engine.load(Settings.from_env({"FLOW_CONFIG": str(FLOW_YAML)}))


@pytest.fixture
def measure(engine: Engine) -> Measure:
    consumer = Consumer.__new__(Consumer)
    consumer._processed = {}
    made = Measure(engine, consumer)
    made.keep({ITEMS.partition})
    return made


def states(engine: Engine) -> dict[str, int]:
    (cards,) = [board for node, _, board in engine.boards.nodes() if node[1:] == OWNER]
    return {state: count for state, count in cards.states.items() if count}


@pytest.mark.parametrize("shown", [True, False])
def test_a_summary_that_comes_again_does_not_come_over_a_newer_one(
    engine: Engine, measure: Measure, *, shown: bool
) -> None:
    def summary(state: str, flow_state: FlowState) -> bytes:
        found = Summary("1", "jira/acme", OWNER, "feature", state, flow_state)
        return encode_summary(found, engine.derivation.name)

    def after(previous: int, *offsets: int) -> dict[str, int]:
        records = [Record(offset, b"1", values[offset]) for offset in offsets]
        asyncio.run(measure.batch(ITEMS, Polled(previous, records)))
        asyncio.run(measure._absorb(ITEMS.partition))
        return states(engine)

    values = [
        summary("Backlog", FlowState.NEW),
        summary("In Progress", FlowState.ACTIVE),
        summary("Ready for Review", FlowState.WAITING),
        summary("Done", FlowState.DONE),
    ]
    if shown:
        measure.readiness.ready.add(ITEMS.partition)
    assert after(0, 0, 1, 2) == {"Ready for Review": 1}
    # A poll that crossed a seek brings a part again, and what came after that does not come again.
    assert after(1, 1) == {"Ready for Review": 1}
    assert after(1, 1, 2, 3) == {"Done": 1}
