"""Unreadable rows: their events are kept, they are named, and foreign writes over a row are replaced."""

from __future__ import annotations

import asyncio

import pytest

from stream.items.row import Header, write_row
from stream.items.tracker import BEGIN_AGAIN
from stream.kafka.places import TP
from stream.kafka.rows import Rows
from tests.kafka.test_rows import Record, row
from tests.worker.test_track import BEGUN, EVENTS, OTHERS, Worker, run, settled

HISTORIES = TP("flow.histories", 0)
UNREADABLE = write_row(Header(BEGUN, BEGUN, 1), [b'[0,"",0,"1",{"state":7},1,0,"jira/acme"]'])


def test_an_event_of_an_item_whose_history_cannot_be_read_is_kept_and_the_row_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(made: Worker) -> None:
        made.rows[0] = {b"A": UNREADABLE}
        await made.take((EVENTS, 0, made.record(0, "A")))
        await made.kafka.acknowledge()
        assert made.kafka.written() == [{"flow.dead-letters/0": [b"A"]}]
        numbers = made.track._engine.numbers
        assert (numbers.unreadable["flow.histories"], numbers.dead_letters["unreadable_history"]) == (1, 1)
        assert made.rows[0] == {b"A": UNREADABLE}

    run(scenario)
    [line] = caplog.messages
    assert line.startswith("flow.histories[0] under the key b'A' cannot be read and is skipped: not the entries")
    assert line.endswith(f"The item's events are kept as dead letters: {BEGIN_AGAIN}")


def test_a_summary_over_which_others_wrote_is_written_again() -> None:
    async def scenario(made: Worker) -> None:
        await made.take((EVENTS, 0, made.record(0, "A")), (OTHERS, 0, made.record(0, "B")))
        await made.kafka.acknowledge()
        engine = made.track._engine
        engine.overwritten |= {b"A", b"B", b"of another worker"}
        # While the partition is still being recovered, it is not known yet.
        await made.track.wake()
        assert (len(made.kafka.writes), len(engine.overwritten)) == (1, 3)
        engine.tracked[1].complete = True
        waking = asyncio.create_task(made.track.wake())
        for _ in range(2):
            await settled()
            await made.kafka.acknowledge()
        await waking
        assert made.kafka.written()[1:] == [{"flow.items/0": [b"A"]}, {"flow.items/0": [b"B"]}]
        assert engine.overwritten == set()

    run(scenario)


def test_what_others_wrote_over_a_row_is_written_over(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(made: Worker) -> None:
        rows = Rows()
        rows.take(
            [Record(b"A", row(1)), Record(b"B", row(2)), Record(b"A", b"["), Record(b"B", b"["), Record(b"B", None)]
        )
        tracked = made.track._engine.tracked[0]
        tracked._rows = lambda _: rows
        for writes in (1, 1):
            writing = asyncio.create_task(made.track._write_again(tracked))
            await settled()
            assert len(made.kafka.writes) == writes
            if not writing.done():
                await made.kafka.acknowledge()
            await writing
        assert made.kafka.written() == [{"flow.histories/0": [b"A"]}]
        assert made.kafka.writes[0][HISTORIES][0].value == row(1)

    run(scenario)
    assert caplog.messages == []
