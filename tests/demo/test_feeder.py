"""The feeder sends no faster than the worker reads, and nothing before it is due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stream.demo import feeder as feeder_module
from stream.demo.event_journal import EventJournal, JournalRecord
from stream.demo.feeder import IN_FLIGHT_BYTES, Feeder, Player
from stream.demo.sources import Step
from stream.errors import KafkaError, ServeError
from stream.events.event import SECOND

BIG = JournalRecord(b"k", b"x" * 10_000)


class Producer:
    """A producer that keeps what it sends."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, _topic: str, *, key: bytes, value: bytes) -> asyncio.Future[None]:
        assert key
        self.sent.append(value)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Reader:
    """A worker that processes a few events each time it is asked, and notes how much was unread."""

    def __init__(self, producer: Producer, step: int) -> None:
        self.producer, self.step, self.taken = producer, step, 0
        self.most = 0

    async def events(self) -> int:
        self.most = max(self.most, sum(map(len, self.producer.sent[self.taken :])))
        self.taken = min(len(self.producer.sent), self.taken + self.step)
        return self.taken


def play(journal: EventJournal, steps: list[Step], reader: Reader) -> list[int]:
    """Play the steps; return how many had been processed each time `caught_up` was called."""
    caught_up: list[int] = []

    async def note() -> None:
        caught_up.append(reader.taken)

    async def run() -> None:
        feed = Feeder(reader.producer, "flow.events", reader.events)
        await Player(feed, journal, lambda _: None).play(iter(steps), note)

    asyncio.run(run())
    return caught_up


def test_no_more_is_under_way_than_the_broker_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeder_module, "LOOK_SECONDS", 0)
    reader = Reader(Producer(), 7)
    steps = [Step(BIG, 0.5)] * 1000
    with EventJournal(tmp_path / "journal") as journal:
        assert play(journal, steps, reader) == [1000]
        assert journal.count() == 1000
    assert len(reader.producer.sent) == 1000
    assert IN_FLIGHT_BYTES / 2 < reader.most <= IN_FLIGHT_BYTES


def test_what_is_due_later_waits_until_what_is_past_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime(2026, 11, 22, 10, tzinfo=UTC)]
    slept: list[tuple[float, int]] = []
    reader = Reader(Producer(), 100)

    async def sleep(seconds: float) -> None:
        slept.append((seconds, len(reader.producer.sent)))
        now[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(feeder_module, "wall_time", lambda: int(now[0].timestamp()) * SECOND)
    monkeypatch.setattr("asyncio.sleep", sleep)
    dues = [now[0] + timedelta(seconds=seconds) for seconds in (-3600, 20, 20, 50)]
    with EventJournal(tmp_path / "journal") as journal:
        assert play(journal, [Step(BIG, 1.0, due) for due in dues], reader) == [1]
    assert slept == [(20.0, 1), (30.0, 3)]
    assert len(reader.producer.sent) == 4


def test_what_the_journal_has_is_fed_and_not_noted_again(tmp_path: Path) -> None:
    reader = Reader(Producer(), 100)
    with EventJournal(tmp_path / "journal") as journal:
        play(journal, [Step(BIG, 1.0, kept=True), Step(JournalRecord(b"k", b"new"), 1.0)], reader)
        assert [record.value for record in journal.replay()] == [b"new"]
    assert reader.producer.sent == [BIG.value, b"new"]


def test_what_the_journal_refuses_is_not_sent(tmp_path: Path) -> None:
    reader = Reader(Producer(), 100)
    with EventJournal(tmp_path / "journal") as journal, pytest.raises(ServeError):
        play(journal, [Step(JournalRecord(None, b"v"), 1.0)], reader)  # type: ignore[arg-type]
    assert reader.producer.sent == []


def test_a_worker_that_stops_reading_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeder_module, "STALL_SECONDS", -1)
    reader = Reader(Producer(), 0)
    said = pytest.raises(KafkaError, match="3 events are waiting")
    with EventJournal(tmp_path / "journal") as journal, said:
        play(journal, [Step(BIG, 1.0)] * 3, reader)
