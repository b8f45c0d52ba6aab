"""Continuing after the journal: nothing twice, nothing left out, and never with other events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from stream.demo.event_journal import EventJournal
from stream.demo.sources import Step, log_steps, replayed, resume_log, resume_simulation, simulated_steps
from stream.errors import ServeError, SettingsError
from stream.events.log import ColumnMap, LogRow, read_log

START = datetime(2026, 8, 25, 10, tzinfo=UTC)
NOW = START + timedelta(days=20)
LATER = NOW + timedelta(days=4)
ARRIVAL = int(LATER.timestamp()) * 1_000_000

LOG = """item,time,state
1,2026-01-01T10:00:00Z,a
1,yesterday,b
2,2026-01-01T11:00:00Z,a
1,2026-01-01T12:00:00Z,b
"""


def take(journal: EventJournal, count: int, *, seed: int | None = None, now: datetime = NOW) -> list[Step]:
    """Append that many steps of the simulation to the journal, as the demo does."""
    simulated = resume_simulation(journal, seed, START, now)
    steps = list(islice(simulated_steps(simulated, journal), count))
    journal.append([step.record for step in steps])
    return steps


def names(steps: list[Step]) -> list[bytes]:
    """Return events without their times, which depend on when somebody watched."""
    return [step.record.value.split(b'"time"')[0] + step.record.value.split(b'"sequence"')[1] for step in steps]


def log(journal: EventJournal, path: Path, refused: list[LogRow]) -> list[Step]:
    rows = read_log(path, ColumnMap(), "import", ARRIVAL)
    resume_log(journal, path)
    return list(log_steps(rows, path.stat().st_size, journal, refused.append))


def test_an_interrupted_simulation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "whole") as journal:
        whole = take(journal, 12_000)
    with EventJournal(tmp_path / "parts") as journal:
        parts = take(journal, 3_000) + take(journal, 6_500, now=LATER) + take(journal, 2_500, now=LATER)
        assert [step.record for step in replayed(journal)] == [step.record for step in parts]
    assert names(parts) == names(whole)
    dues = [step.due for step in parts if step.due]
    assert dues == sorted(dues)
    assert len(dues) == len(parts)


def test_after_a_pause_the_portfolio_has_worked_on_in_office_hours(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "journal") as journal:
        live = [step.due for step in take(journal, 11_000) if step.due and step.due > NOW]
        assert live
        more = [step.due for step in take(journal, 4_000, now=LATER) if step.due]
    assert live[-1] <= more[0]
    paused = [due for due in more if due < LATER]
    assert paused
    assert all(due.weekday() < 5 for due in paused)
    assert more[-1] > LATER


def test_records_are_keyed_by_their_item_or_objective(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "journal") as journal:
        for step in take(journal, 200):
            kind = b"objective" if b"flow.objective.changed" in step.record.value else b"item"
            assert b'"' + kind + b'":"' + step.record.key + b'"' in step.record.value


def test_progress_rises_to_one(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "journal") as journal:
        done = [step.done for step in take(journal, 12_000)]
        assert done == sorted(done)
        assert done[-1] == 1.0
        assert [step.done for step in replayed(journal)][-1] == 1.0
        assert all(step.kept for step in replayed(journal))


def test_another_seed_is_refused(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "journal") as journal:
        take(journal, 10, seed=4)
        assert len(take(journal, 10, seed=4)) == 10
        with pytest.raises(SettingsError, match="--seed is 5, but the journal has the events of seed 4"):
            take(journal, 10, seed=5)


def test_a_journal_with_other_events_is_refused(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "a") as other, EventJournal(tmp_path / "b") as journal:
        foreign = take(other, 20, seed=2)
        simulated = resume_simulation(journal, 1, START, NOW)
        journal.append([foreign[-1].record])
        with pytest.raises(ServeError, match="ends with 'demo/"):
            next(simulated_steps(simulated, journal))


def test_a_log_is_fed_once_and_its_bad_rows_are_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    refused: list[LogRow] = []
    with EventJournal(tmp_path / "journal") as journal:
        steps = log(journal, path, refused)
        journal.append([step.record for step in steps])
        path.write_text(LOG + "3,2026-01-01T13:00:00Z,a\n")
        more = log(journal, path, [])
    assert [step.record.key for step in steps] == [b"1", b"2", b"1"]
    assert [row.line for row in refused] == [3]
    assert [step.record.key for step in more] == [b"3"]


def test_a_journal_of_another_kind_or_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    with EventJournal(tmp_path / "journal") as journal:
        log(journal, path, [])
        with pytest.raises(SettingsError, match="of a log, not of a simulation"):
            resume_simulation(journal, None, START, NOW)
        with pytest.raises(SettingsError, match="has the events of 'log.csv'"):
            resume_log(journal, tmp_path / "other.csv")
