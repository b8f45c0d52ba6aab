"""Rows are shown in the order in which they were passed on, whether before or after they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from stream.clock import wall_time
from stream.events.event import SECOND
from stream.items.outcome import Outcome, SummaryRow
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
from stream.kafka.topics import TopicNames
from stream.worker.writer import PendingWrite, Writer, _as_rows

ITEMS = TP("items", 0)


class Outbox:
    """Acknowledges a write when it is told to do so."""

    def __init__(self) -> None:
        self.acknowledge = asyncio.Event()
        self.end = self.writes = 0

    async def write(self, rows: Mapping[TP, Sequence[Row]]) -> dict[TP, Written]:
        self.writes += 1
        first, self.end = self.end, self.end + len(rows[ITEMS])
        await self.acknowledge.wait()
        self.acknowledge.clear()
        return {ITEMS: Written(first, self.end - 1)}


class Boards:
    """Shows the last value of each key."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes | None] = {}

    def written(self, _tp: TP, _first: int, rows: Sequence[SummaryRow]) -> None:
        self.values.update({row.key: row.value for row in rows})


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def writer_of(outbox: Outbox, boards: Boards) -> Writer:
    engine = SimpleNamespace(
        outbox=outbox,
        derivation=SimpleNamespace(partitions=1),
        topics=TopicNames("events", "items", "histories", "letters", "metrics", "alerts"),
    )
    return Writer(engine, SimpleNamespace(), boards)


def pending(value: bytes, durable: list[bytes]) -> PendingWrite:
    row = SummaryRow(0, b"1", value, None, 7_000)
    return PendingWrite(0, Outcome(summaries=[row]), lambda: durable.append(value))


def test_what_comes_during_a_write_goes_out_together_and_is_shown_once_it_is_durable() -> None:
    async def scenario() -> None:
        outbox, boards = Outbox(), Boards()
        durable: list[bytes] = []
        writer = writer_of(outbox, boards)
        writer.put(pending(b"one", durable))
        await turns()
        for value in (b"two", b"three"):
            writer.put(pending(value, durable))
        assert (boards.values, durable, outbox.writes) == ({}, [], 1)
        outbox.acknowledge.set()
        await turns()
        assert (boards.values, durable, outbox.writes) == ({b"1": b"one"}, [b"one"], 2)
        outbox.acknowledge.set()
        await writer.flush()
        assert (boards.values, durable, outbox.end) == ({b"1": b"three"}, [b"one", b"two", b"three"], 2)

    asyncio.run(scenario())


def test_no_summary_is_of_a_later_time_than_now() -> None:
    """A broker whose clock was in the future for a while refuses its own timestamps of that time."""
    now = wall_time()
    arrivals = (0, now - SECOND, now + 3_600 * SECOND)
    derived, usual, ahead = [row.timestamp for row in _as_rows([SummaryRow(0, b"1", b"", None, at) for at in arrivals])]
    assert (derived, usual) == (0, (now - SECOND) // 1_000)
    assert ahead is not None
    assert now // 1_000 <= ahead <= wall_time() // 1_000
