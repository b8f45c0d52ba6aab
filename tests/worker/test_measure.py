"""How `measure` handles batches of summaries that are read again."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest
from msgspec import structs

from stream.clock import uptime
from stream.events.rejection import Reason
from stream.gauges.snapshot import Snapshot
from stream.items.codec import encode_summary
from stream.items.outcome import SummaryRow
from stream.items.summary import FlowState, Owner, Stamp, Summary
from stream.kafka.batches import RefusedBatch
from stream.kafka.offsets import Committed
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker.engine import Engine
from stream.worker.measure import Measure
from stream.worker.readiness import Look
from tests.worker import fakes
from tests.worker.fakes import CARDS, FakeStreams

ITEMS = TP("flow.items", 0)
OWNER, BACKLOG = Owner(*CARDS[1:4]), CARDS.backlog


class Record(NamedTuple):
    """A record with the fields that `measure` reads."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int = 0


@pytest.fixture
def engine() -> Engine:
    return fakes.engine()


@pytest.fixture
def measure(engine: Engine) -> Measure:
    made = Measure(engine, FakeStreams())
    made.assign({ITEMS.partition})
    return made


def trust(engine: Engine, measure: Measure, end: int = 0) -> None:
    """Report to the worker that all events are folded, and that its summaries are on the boards."""
    committed = {part: Committed(0, engine.derivation.name) for part in range(engine.settings.events_partitions)}
    engine.measured[ITEMS.partition].live = True
    assert measure.readiness.see(
        Look(
            uptime(), listed=True, committed=committed, events=dict.fromkeys(committed, 0), items={ITEMS.partition: end}
        )
    )


def item(state: str, flow_state: FlowState, backlog: str | None = BACKLOG, start: Stamp | None = None) -> Summary:
    return Summary("1", "jira/acme", OWNER, "feature", state, flow_state, backlog, start=start)


def states(engine: Engine) -> dict[str, int]:
    (cards,) = [board for node, _, board in engine.boards.nodes() if node == CARDS]
    return {state: count for state, count in cards.states.items() if count}


@pytest.mark.parametrize("shown", [True, False])
def test_a_summary_that_comes_again_does_not_come_over_a_newer_one(
    engine: Engine, measure: Measure, *, shown: bool
) -> None:
    def summary(state: str, flow_state: FlowState) -> bytes:
        found = item(state, flow_state)
        return encode_summary(found, engine.derivation.name)

    def after(previous: int, *offsets: int) -> dict[str, int]:
        records = [Record(offset, b"1", values[offset]) for offset in offsets]
        asyncio.run(measure.batch(ITEMS, Polled(previous, records)))
        asyncio.run(engine.measured[ITEMS.partition].count_noted(0))
        return states(engine)

    values = [
        summary("Backlog", FlowState.NEW),
        summary("In Progress", FlowState.ACTIVE),
        summary("Ready for Review", FlowState.WAITING),
        summary("Done", FlowState.DONE),
    ]
    if shown:
        engine.measured[ITEMS.partition].live = True
    assert after(0, 0, 1, 2) == {"Ready for Review": 1}
    # A poll that crossed a seek brings a part again, but not the records after it.
    assert after(1, 1) == {"Ready for Review": 1}
    assert after(1, 1, 2, 3) == {"Done": 1}


def test_a_batch_that_was_refused_is_passed_over_counted_and_named(
    engine: Engine, measure: Measure, caplog: pytest.LogCaptureFixture
) -> None:
    batch = RefusedBatch(4, 3, 0, b"", (), Reason.TOO_LARGE, "a batch of 3 records, up to offset 6: too large")
    asyncio.run(measure.batch(ITEMS, Polled(0, [], 7, 0, batch)))
    assert measure._consumer.reached(ITEMS) == 7
    assert engine.numbers.unreadable["flow.items"] == 3
    assert "flow.items[0] at offset 4 cannot be read and is skipped: a batch of 3 records" in caplog.text


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "value", [b"[" * 5_000, b"{", b"7", b'{"v":3,"config":"CONFIG","item":"1","stays_us":{"a":1e99}}']
)
def test_what_is_no_summary_is_passed_over_counted_and_named(
    engine: Engine, measure: Measure, caplog: pytest.LogCaptureFixture, value: bytes, *, live: bool
) -> None:
    doing = item("Doing", FlowState.ACTIVE)
    good, odd = encode_summary(doing, engine.derivation.name), value.replace(b"CONFIG", engine.derivation.name.encode())
    if live:
        engine.measured[ITEMS.partition].live = True
    asyncio.run(measure.batch(ITEMS, Polled(0, [Record(0, b"1", good), Record(1, b"2", odd), Record(2, b"3", good)])))
    asyncio.run(engine.measured[ITEMS.partition].count_noted(0))
    assert states(engine) == {"Doing": 2}
    assert engine.numbers.unreadable["flow.items"] == 1
    assert engine.overwritten == {b"2"}
    assert "flow.items[0]" in caplog.text
    assert "under the key b'2' cannot be read and is skipped: " in caplog.text


def test_a_record_that_is_no_summary_leaves_the_items_last_one(engine: Engine, measure: Measure) -> None:
    doing = item("Doing", FlowState.ACTIVE)
    good = encode_summary(doing, engine.derivation.name)
    asyncio.run(measure.batch(ITEMS, Polled(0, [Record(0, b"1", good), Record(1, b"1", b"[" * 5_000)])))
    asyncio.run(engine.measured[ITEMS.partition].count_noted(0))
    assert states(engine) == {"Doing": 1}


def test_what_was_written_here_counts_at_once_and_not_again_when_it_comes(engine: Engine, measure: Measure) -> None:
    def row(state: str, flow_state: FlowState, key: bytes = b"1") -> SummaryRow:
        found = item(state, flow_state)
        return SummaryRow(0, key, encode_summary(found, engine.derivation.name), found, 7_000)

    new, doing, done = (row(state.value, state) for state in (FlowState.NEW, FlowState.ACTIVE, FlowState.DONE))
    engine.measured[ITEMS.partition].live = True
    measure.written(ITEMS, 0, [new, row("other", FlowState.ACTIVE, b"2")])
    assert states(engine) == {"new": 1, "other": 1}
    # A record of another worker is at 2, and has not been read.
    measure.written(ITEMS, 3, [done])
    assert states(engine) == {"new": 1, "other": 1}
    came = [Record(2, b"1", doing.value or b""), Record(3, b"1", done.value or b"")]
    asyncio.run(measure.batch(ITEMS, Polled(2, came)))
    assert states(engine) == {"done": 1, "other": 1}
    # A summary that came from the topic before its acknowledgement counts once.
    measure.written(ITEMS, 3, [done, row("new", FlowState.NEW, b"2")])
    assert states(engine) == {"done": 1, "new": 1}
    measure.written(TP("flow.items", 9), 0, [done])
    assert states(engine) == {"done": 1, "new": 1}


@pytest.mark.parametrize("shown", [True, False])
def test_freshness_is_of_what_is_shown(engine: Engine, measure: Measure, *, shown: bool) -> None:
    if shown:
        engine.measured[ITEMS.partition].live = True
    found = item("Doing", FlowState.ACTIVE)
    value = encode_summary(found, "x")
    asyncio.run(measure.batch(ITEMS, Polled(0, [Record(0, b"1", value, 7)])))
    measure.written(ITEMS, 1, [SummaryRow(0, b"1", value, found, 8_000), SummaryRow(0, b"2", value, found, 0)])
    asyncio.run(measure.publish())
    assert sum(engine.numbers.freshness) == (2 if shown else 0)


def test_what_is_still_to_be_read_is_counted_down(engine: Engine, measure: Measure) -> None:
    trust(engine, measure, end=7)
    measure.readiness.recovering = False
    engine.measured[ITEMS.partition].live = False
    details = []
    for offset in (0, 3):
        measure._consumer.processed(ITEMS, offset)
        asyncio.run(measure.publish())
        details += [detail for _, detail in engine.published.snapshot.reasons]
    assert details == [f"{left} summaries of partition 0 are still to be read" for left in (7, 4)]


def test_who_asks_is_shown_all_that_stands_in_the_boards(engine: Engine, measure: Measure) -> None:
    def start(key: bytes) -> None:
        start = Stamp(engine.clock.now(), OWNER, "feature", BACKLOG)
        row = SummaryRow(0, key, b"", item("Doing", FlowState.ACTIVE, start=start), 0)
        measure.written(ITEMS, measure._consumer.reached(ITEMS), [row])

    async def asked() -> tuple[int, int]:
        await measure.renew()
        cards = next(each for each in engine.published.snapshot.nodes if each.node == CARDS)
        return cards.load, next(iter(cards.windows.values())).arrivals.total()

    async def scenario() -> None:
        start(b"1")
        # An event of this moment is in the windows at once.
        assert await asked() == (1, 1)
        same = engine.published.snapshot
        await measure.renew()
        assert engine.published.snapshot is same
        # Boards that take long to read are not read all the time: a scrape waits, and shows the newest.
        engine.published.snapshot = same._replace(seconds=0.02)
        start(b"2")
        waiting = asyncio.create_task(asked())
        await asyncio.sleep(0.01)
        assert engine.published.snapshot.seconds == 0.02
        start(b"3")
        assert await waiting == (3, 3)

    trust(engine, measure)
    asyncio.run(scenario())


def test_items_that_no_backlog_holds_are_counted_once_their_partition_is_true(engine: Engine, measure: Measure) -> None:
    held, unplaced = item("Doing", FlowState.ACTIVE), item("Doing", FlowState.ACTIVE, backlog=None)
    measure.written(ITEMS, 0, [SummaryRow(0, b"1", b"", held, 0), SummaryRow(0, b"2", b"", unplaced, 0)])
    asyncio.run(engine.measured[ITEMS.partition].count_noted(0))
    asyncio.run(measure.publish())
    assert engine.published.snapshot.unplaced == {}
    trust(engine, measure)
    asyncio.run(measure.publish())
    assert engine.published.snapshot.unplaced == {("jira/acme", "feature"): 1}


def test_sources_of_unplaced_items_are_bounded(
    engine: Engine, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.gauges.engine_numbers.MAX_SOURCES", 2)
    trust(engine, measure)
    for number in range(5):
        unplaced = structs.replace(item("Doing", FlowState.ACTIVE, backlog=None), source=f"s{number}")
        measure.written(ITEMS, number, [SummaryRow(0, b"%d" % number, b"", unplaced, 0)])
    asyncio.run(measure.publish())
    found = engine.published.snapshot.unplaced
    assert len(found) == 3
    assert found["other", "feature"] == 3


def test_snapshots_that_nobody_asks_for_come_each_second_and_sooner_before_all_is_true(
    engine: Engine, measure: Measure
) -> None:
    asyncio.run(measure.publish())
    assert 0 < measure.fresh_for <= 0.1
    engine.published.snapshot = Snapshot(0, (), ())
    assert 0.5 < measure.fresh_for <= 1.0
    engine.published.snapshot = Snapshot(0, (), (), seconds=2.0)
    assert 17 < measure.fresh_for <= 18
    measure._published -= 19
    assert measure.fresh_for == 0
