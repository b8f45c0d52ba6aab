"""How batches become durable: the order, the groups, and what is reported before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from stream.events.time import format_time
from stream.items.history import decode_history
from stream.items.row import read_header
from stream.kafka.offsets import Committed, read_metadata
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker import track
from stream.worker.measure import Measure
from stream.worker.track import Track
from stream.worker.tracked import FAR
from tests.worker import fakes
from tests.worker.fakes import FakeDelivery, FakeRows, FakeStreams

SECOND = 1_000_000
BEGUN = 1_800_000_000 * SECOND
EVENTS = TP("flow.events", 0)
OTHERS = TP("flow.events", 1)


@dataclass
class Record:
    """A record of the events topic."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


class Kafka:
    """Accepts writes, and acknowledges them when the test says so."""

    def __init__(self) -> None:
        self.writes: list[Mapping[TP, Sequence[Row]]] = []
        self._open: list[asyncio.Future[None]] = []

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        self.writes.append({tp: part for tp, part in rows.items() if part})
        self._open.append(asyncio.get_running_loop().create_future())
        await self._open[-1]
        return {tp: Written(0, len(part) - 1) for tp, part in rows.items() if part}

    async def acknowledge(self) -> None:
        """Acknowledge the first pending write."""
        self._open.pop(0).set_result(None)
        await settled()

    def written(self) -> list[dict[str, list[bytes | None]]]:
        """Return the keys of each write by topic and partition."""
        return [
            {f"{tp.topic}/{tp.partition}": [row.key for row in part] for tp, part in w.items()} for w in self.writes
        ]


@dataclass
class Worker:
    """A worker's tracking, without Faust."""

    track: Track
    kafka: Kafka
    consumer: FakeStreams
    rows: dict[int, dict[bytes, bytes]]
    clock: SimpleNamespace
    messages: list[Any] = field(default_factory=list)

    async def take(self, *parts: tuple[TP, int, Record]) -> Any:
        """Process a poll, as the agent does. Parts are (partition, offset before, record)."""
        message = FakeDelivery()
        for tp, previous, record in parts:
            await self.track.batch(message, tp, Polled(previous, [record]))
        await settled()
        return message

    async def revoke(self) -> None:
        """Revoke its partitions, as the worker does."""
        self.track._engine.end_assignment()
        await self.track.revoke()

    def committed(self, tp: TP) -> Committed | None:
        """Return the offset of a partition that would be committed now."""
        found = self.consumer.of(tp).pending
        return None if found is None else read_metadata(*found)

    def record(self, offset: int, item: str, at: int = BEGUN) -> Record:
        """Make an event for an item."""
        body = {"specversion": "1.0", "id": f"{item}{offset}", "source": "jira/acme", "type": "flow.item.changed"}
        data = {"item": item, "state": "In Progress", "team": "Cards", "offset": offset}
        value = orjson.dumps({**body, "time": format_time(at), "data": data})
        return Record(offset, item.encode(), value, BEGUN // 1_000)


async def settled() -> None:
    """Let all tasks run as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


def worker(partitions: int = 1) -> Worker:
    clock: Any = SimpleNamespace(instant=BEGUN, not_future=0, suffix="")
    clock.now = clock.fold_until = lambda: clock.instant
    kafka, streams, store = Kafka(), FakeStreams(), FakeRows()
    outside = fakes.clients(outbox=kafka)
    engine = fakes.engine(clock=clock, outside=outside, ITEMS_PARTITIONS=str(partitions))
    track = Track(engine, store, streams, Measure(engine, streams))
    track.assign({0, 1})
    engine.tracked[0].complete = True
    # The items of these tests may be in any partition; tests/worker/test_rerouting.py tests the right one.
    track._place = lambda _: None  # type: ignore[method-assign]
    return Worker(track, kafka, streams, store.partitions, clock)


def run(scenario: Callable[[Worker], Awaitable[None]], partitions: int = 1) -> None:
    async def whole() -> None:
        await scenario(worker(partitions))

    asyncio.run(whole())


def test_nothing_is_completed_or_acknowledged_before_it_is_durable() -> None:
    async def scenario(made: Worker) -> None:
        message = await made.take((EVENTS, 0, made.record(0, "A")), (OTHERS, 0, made.record(0, "B")))
        assert set(made.rows[0]) | set(made.rows[1]) == {b"A", b"B"}
        assert (made.committed(EVENTS), message.acked) == (None, False)
        await made.kafka.acknowledge()
        for tp in (EVENTS, OTHERS):
            found = made.committed(tp)
            assert found is not None
            assert found.offset == 1
        assert message.acked

    run(scenario)


def test_summaries_are_counted_when_they_are_durable() -> None:
    async def scenario(made: Worker) -> None:
        engine = made.track._engine
        made.track._writer._measure.assign({0})
        engine.measured[0].live = True
        await made.take((EVENTS, 0, made.record(0, "A")))
        assert engine.boards.items(0) == 0
        await made.kafka.acknowledge()
        assert engine.boards.items(0) == 1

    run(scenario)


def test_what_comes_while_a_group_is_written_goes_out_as_the_next_of_each_item_the_last() -> None:
    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")))
        await made.take((EVENTS, 1, made.record(1, "B")))
        await made.take((EVENTS, 2, made.record(2, "B")), (OTHERS, 0, made.record(0, "C")))
        await made.kafka.acknowledge()
        assert made.kafka.written() == [
            {"flow.histories/0": [b"A"], "flow.items/0": [b"A"]},
            {"flow.histories/0": [b"B"], "flow.histories/1": [b"C"], "flow.items/0": [b"B", b"C"]},
        ]
        assert made.kafka.writes[1][TP("flow.histories", 0)][0].value == made.rows[0][b"B"]
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 1
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 3

    run(scenario)


def test_what_is_not_durable_yet_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "MAX_UNDER_WAY", 1)

    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")))
        next_one = asyncio.create_task(made.take((EVENTS, 1, made.record(1, "B"))))
        await settled()
        assert set(made.rows[0]) == {b"A"}
        await made.kafka.acknowledge()
        await next_one
        assert set(made.rows[0]) == {b"A", b"B"}

    run(scenario)


def test_with_several_partitions_rows_are_durable_before_their_summaries_go_out() -> None:
    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")))
        assert [list(keys) for keys in made.kafka.written()] == [["flow.histories/0"]]
        await made.kafka.acknowledge()
        assert [topic.split("/")[0] for topic in made.kafka.written()[1]] == ["flow.items"]
        assert made.committed(EVENTS) is None
        await made.kafka.acknowledge()
        assert made.committed(EVENTS) is not None

    run(scenario, partitions=3)


def test_an_event_that_comes_due_is_folded_again_after_a_crash_until_that_is_durable() -> None:
    async def scenario(made: Worker) -> None:
        due = BEGUN + SECOND
        await made.take((EVENTS, 0, made.record(0, "A", due)))
        await made.kafka.acknowledge()
        await made.take((EVENTS, 1, made.record(1, "B")))
        made.clock.instant = due + SECOND
        waking = asyncio.create_task(made.track.wake())
        await settled()
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        # Other workers show nothing of it for longer than the lease.
        assert (found.offset, found.due) == (2, due)
        # A worker that starts now folds newer events again.
        assert read_header(made.rows[0][b"A"]).newest > found.as_of
        await made.kafka.acknowledge()
        await waking
        # Nothing else need come for the others to know that it is folded.
        found = made.committed(EVENTS)
        assert found is not None
        assert (found.offset, found.due) == (2, None)
        await made.take((EVENTS, 2, made.record(2, "C", due)))
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        assert found.as_of == made.clock.instant

    run(scenario)


def test_events_that_kafka_has_deleted_are_passed_over_and_named(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")))
        await made.kafka.acknowledge()
        await made.track.pass_over({EVENTS: 1, OTHERS: 7})
        assert not caplog.messages
        await made.track.pass_over({EVENTS: 12})
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 12

    run(scenario)
    [line] = caplog.messages
    assert "Partition 0 of flow.events: 11 events were deleted before they were folded" in line


def test_who_gives_up_waiting_for_a_write_does_not_stop_it() -> None:
    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")))
        waiting = asyncio.create_task(made.revoke())
        await settled()
        waiting.cancel()
        await settled()
        await made.kafka.acknowledge()
        assert made.committed(EVENTS) is not None
        await made.take((EVENTS, 1, made.record(1, "B")))
        assert len(made.kafka.writes) == 2

    run(scenario)


def test_a_batch_that_does_not_follow_is_not_taken_and_what_was_lost_is_read_again() -> None:
    async def scenario(made: Worker) -> None:
        message = await made.take((EVENTS, 5, made.record(5, "A")))
        assert (made.consumer.asked, made.rows, made.kafka.writes, message.acked) == ([(EVENTS, 0)], {}, [], True)

    run(scenario)


def test_of_a_backlog_batches_are_gathered_until_its_end_is_near() -> None:
    async def scenario(made: Worker) -> None:
        made.track._engine.tracked[0].end = FAR + 3
        first = await made.take((EVENTS, 0, made.record(0, "A")))
        second = await made.take((EVENTS, 1, made.record(1, "B")), (EVENTS, 2, made.record(2, "A")))
        assert (made.kafka.writes, made.rows[0], first.acked, second.acked) == ([], {}, False, False)
        third = await made.take((EVENTS, 3, made.record(3, "A")))
        assert made.kafka.written() == [{"flow.histories/0": [b"A", b"B"], "flow.items/0": [b"A", b"B"]}]
        assert made.committed(EVENTS) is None
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 4
        assert [message.acked for message in (first, second, third)] == [True, True, True]

    run(scenario)


def test_what_was_gathered_is_written_when_it_is_much_or_has_waited_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(made: Worker) -> None:
        for tracked in made.track._engine.tracked.values():
            tracked.end, tracked.complete = 2 * FAR, True
        await made.take((EVENTS, 0, made.record(0, "A")), (OTHERS, 0, made.record(0, "B")))
        await made.track.wake()
        await settled()
        assert made.kafka.writes == []
        monkeypatch.setattr(track, "MAX_GATHERED", 3)
        await made.take((EVENTS, 1, made.record(1, "A")))
        assert set(made.kafka.written()[0]) == {"flow.histories/0", "flow.histories/1", "flow.items/0"}
        await made.kafka.acknowledge()
        await made.take((EVENTS, 2, made.record(2, "A")))
        assert len(made.kafka.writes) == 1
        monkeypatch.setattr(track, "PATIENCE", -1.0)
        await made.track.wake()
        await settled()
        assert len(made.kafka.writes) == 2

    run(scenario)


def test_a_halt_writes_what_was_gathered_and_nothing_is_gathered_before_the_next_assignment() -> None:
    async def scenario(made: Worker) -> None:
        made.track._engine.tracked[0].end = 2 * FAR
        await made.take((EVENTS, 0, made.record(0, "A")))
        halting = asyncio.create_task(made.revoke())
        await settled()
        await made.kafka.acknowledge()
        await halting
        assert made.committed(EVENTS) is not None
        await made.take((EVENTS, 1, made.record(1, "B")))
        assert len(made.kafka.writes) == 2

    run(scenario)


def test_an_item_that_comes_due_while_events_of_it_are_gathered_loses_none() -> None:
    async def scenario(made: Worker) -> None:
        due = BEGUN + SECOND
        await made.take((EVENTS, 0, made.record(0, "A", due)))
        await made.kafka.acknowledge()
        made.track._engine.tracked[0].end = 2 * FAR
        await made.take((EVENTS, 1, made.record(1, "A")))
        made.clock.instant = due
        waking = asyncio.create_task(made.track.wake())
        await settled()
        await made.kafka.acknowledge()
        await waking
        assert len(decode_history(made.rows[0][b"A"]).entries) == 2
        assert made.kafka.writes[-1][TP("flow.items", 0)][0].key == b"A"

    run(scenario)
