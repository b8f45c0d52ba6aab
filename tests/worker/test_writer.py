"""Rows are shown in the order in which they were passed on, whether before or after they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from stream.clock import wall_time
from stream.events.event import SECOND
from stream.items.outcome import Outcome, SummaryRow
from stream.kafka.outbox import Row, Written
from stream.kafka.places import TP
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
    """Shows the last value of each key, while `may` is set."""

    def __init__(self) -> None:
        self.may = False
        self.values: dict[bytes | None, bytes | None] = {}

    def shows(self, _partitions: Any) -> bool:
        return self.may

    def show(self, rows: Sequence[SummaryRow]) -> None:
        self.values.update({row.key: row.value for row in rows})

    def written(self, _tp: TP, _first: int, rows: Sequence[SummaryRow], *, shown: bool) -> None:
        if not shown:
            self.show(rows)


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def writer_of(outbox: Outbox, boards: Boards) -> Writer:
    engine = SimpleNamespace(
        outbox=outbox,
        derivation=SimpleNamespace(partitions=1),
        histories_topic="histories",
        items_topic="items",
        events_topic="events",
        dead_letters_topic="letters",
    )
    return Writer(engine, SimpleNamespace(), boards)


def pending(value: bytes, durable: list[bytes]) -> PendingWrite:
    row = SummaryRow(0, b"1", value, None, 7_000)
    return PendingWrite(0, Outcome(summaries=[row]), lambda: durable.append(value))


@pytest.mark.parametrize("alone", [True, False])
def test_what_is_shown_ahead_never_overtakes_what_is_not(monkeypatch: pytest.MonkeyPatch, *, alone: bool) -> None:
    monkeypatch.setattr("stream.worker.writer.PAUSE_IF_SHOWN", 0)

    async def scenario() -> None:
        outbox, boards = Outbox(), Boards()
        durable: list[bytes] = []
        writer = writer_of(outbox, boards)

        def put(value: bytes) -> None:
            writer.put(pending(value, durable), alone=alone)

        async def acknowledged() -> dict[bytes | None, bytes | None]:
            outbox.acknowledge.set()
            await turns()
            return boards.values

        put(b"one")
        await turns()
        put(b"two")
        assert boards.values == {}
        # Meanwhile all rows are shown. Older rows do not overwrite the newer ones.
        boards.may = True
        put(b"three")
        assert boards.values == ({b"1": b"three"} if alone else {})
        assert (await acknowledged(), durable) == ({b"1": b"three" if alone else b"one"}, [b"one"])
        boards.may = False
        put(b"four")
        assert boards.values == {b"1": b"three" if alone else b"one"}
        assert await acknowledged() == {b"1": b"three"}
        assert await acknowledged() == {b"1": b"four"}
        await writer.flush()
        assert durable == [b"one", b"two", b"three", b"four"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("shown", "writes"), [(True, 1), (False, 2)])
def test_what_nobody_waits_for_goes_out_together(monkeypatch: pytest.MonkeyPatch, *, shown: bool, writes: int) -> None:
    monkeypatch.setattr("stream.worker.writer.PAUSE_IF_SHOWN", 60)

    async def scenario() -> None:
        outbox, boards = Outbox(), Boards()
        durable: list[bytes] = []
        boards.may = shown
        writer = writer_of(outbox, boards)
        for value in (b"one", b"two"):
            outbox.acknowledge.set()
            writer.put(pending(value, durable), alone=True)
            await turns()
        await writer.flush()
        assert durable == [b"one", b"two"]
        assert outbox.writes == writes
        assert boards.values == {b"1": b"two"}

    asyncio.run(scenario())


def test_no_summary_is_of_a_later_time_than_now() -> None:
    """A broker whose clock was in the future for a while refuses its own timestamps of that time."""
    now = wall_time()
    arrivals = (0, now - SECOND, now + 3_600 * SECOND)
    derived, usual, ahead = [row.timestamp for row in _as_rows([SummaryRow(0, b"1", b"", None, at) for at in arrivals])]
    assert (derived, usual) == (0, (now - SECOND) // 1_000)
    assert ahead is not None
    assert now // 1_000 <= ahead <= wall_time() // 1_000
