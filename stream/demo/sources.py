"""The events that the demo feeds: from the journal, the simulation or a log."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from stream.demo.event_journal import EventJournal, JournalRecord
from stream.demo.portfolio import simulate_with_objectives
from stream.demo.worktime import WatchedSpan
from stream.errors import ServeError, SettingsError
from stream.events.encode import encode, key_of
from stream.events.log import LogRow

DEFAULT_SEED = 1


class Step(NamedTuple):
    """A record to feed, but not before it is `due`.

    `done` is the share of the history up to this record, 0 to 1. `kept` means that it is already in the journal.
    """

    record: JournalRecord
    done: float
    due: datetime | None = None
    kept: bool = False


class Simulated(NamedTuple):
    """A simulation: its seed, its start, and the spans in which it was and is watched."""

    seed: int
    start: datetime
    live: tuple[WatchedSpan, ...]

    def origin(self) -> dict[str, str]:
        """Return it as the journal notes it."""
        live = [[span.start.isoformat(), span.end and span.end.isoformat()] for span in self.live]
        return {
            "kind": "simulation",
            "seed": str(self.seed),
            "start": self.start.isoformat(),
            "live": json.dumps(live),
        }

    @classmethod
    def parse(cls, origin: dict[str, str]) -> Simulated:
        """Read the journal's note."""
        read = datetime.fromisoformat
        spans = [WatchedSpan(read(start), end and read(end)) for start, end in json.loads(origin["live"])]
        return cls(int(origin["seed"]), read(origin["start"]), tuple(spans))


def resume_simulation(journal: EventJournal, seed: int | None, start: datetime, now: datetime) -> Simulated:
    """Begin a simulation, or continue the journal's. It is live from `now` on.

    Raises SettingsError if the journal holds other events.
    """
    origin = journal.origin()
    if not origin:
        simulated = Simulated(DEFAULT_SEED if seed is None else seed, start, (WatchedSpan(now, None),))
    else:
        _check_kind(origin, "simulation")
        before = Simulated.parse(origin)
        if seed not in (None, before.seed):
            fix = "leave --seed out, or give another --data-dir"
            raise SettingsError(f"--seed is {seed}, but the journal has the events of seed {before.seed}: {fix}")
        last = _last_time(journal)
        # If the clock was set back, the events' times must not go back too.
        live = (*_until(before.live, last), WatchedSpan(max(now, last or now), None))
        simulated = before._replace(live=live)
    journal.set_origin(simulated.origin())
    return simulated


def resume_log(journal: EventJournal, path: Path) -> None:
    """Begin with a log, or continue it. Raises SettingsError if the journal holds other events."""
    origin = journal.origin()
    if origin:
        _check_kind(origin, "log")
        if origin["file"] != path.name:
            fix = "give another --data-dir"
            raise SettingsError(f"--log is '{path}', but the journal has the events of '{origin['file']}': {fix}")
    journal.set_origin({"kind": "log", "file": path.name})


def replayed(journal: EventJournal) -> Iterator[Step]:
    """Yield the journal's records."""
    count = journal.count()
    for number, record in enumerate(journal.replay(), start=1):
        yield Step(record, number / count, kept=True)


def simulated_steps(simulated: Simulated, journal: EventJournal) -> Iterator[Step]:
    """Yield the simulation's records after those of the journal, without end.

    Raises ServeError if the journal is not the beginning of the simulation.
    """
    events = simulate_with_objectives(simulated.seed, simulated.start, live=simulated.live)
    records = _after_journal((JournalRecord(_key(event["data"]), orjson.dumps(event)) for event in events), journal)
    history = (simulated.live[-1].start - simulated.start).total_seconds()
    for record in records:
        due = _time(record)
        yield Step(record, min(1.0, (due - simulated.start).total_seconds() / history), due)


def log_steps(
    rows: Iterator[LogRow], size: int, journal: EventJournal, refuse: Callable[[LogRow], None]
) -> Iterator[Step]:
    """Yield the records of a log of `size` bytes after those of the journal. Refused rows go to `refuse`.

    Raises ServeError if the journal is not the beginning of the log, and any error of reading the rows.
    """
    position = 0

    def records() -> Iterator[JournalRecord]:
        nonlocal position
        for row in rows:
            position = row.position
            if row.event is None:
                refuse(row)
            else:
                yield JournalRecord(key_of(row.event), encode(row.event))

    for record in _after_journal(records(), journal):
        yield Step(record, position / max(1, size))


def _after_journal(records: Iterator[JournalRecord], journal: EventJournal) -> Iterator[JournalRecord]:
    last = journal.last()
    skipped = next(iter(deque(islice(records, journal.count()), maxlen=1)), None)
    # Where a simulation was interrupted, its times may differ by rounding, but its ids must not.
    if last is not None and (skipped is None or _event_id(skipped) != _event_id(last)):
        fix = "give another --data-dir, or move its journal away"
        end = f"it ends with {_event_id(last)!r}, and they have another event there"
        raise ServeError(f"the journal does not fit these events: {end}: {fix}")
    yield from records


def _check_kind(origin: dict[str, str], wanted: str) -> None:
    if origin["kind"] != wanted:
        fix = "give another --data-dir"
        raise SettingsError(f"the journal has the events of a {origin['kind']}, not of a {wanted}: {fix}")


def _until(live: tuple[WatchedSpan, ...], end: datetime | None) -> Iterator[WatchedSpan]:
    """Close the spans: nobody watched after the last event."""
    for span in live:
        if span.end is not None:
            yield span
        elif end is not None and end > span.start:
            yield WatchedSpan(span.start, end)


def _last_time(journal: EventJournal) -> datetime | None:
    last = journal.last()
    return None if last is None else _time(last)


def _time(record: JournalRecord) -> datetime:
    return datetime.fromisoformat(orjson.loads(record.value)["time"])


def _event_id(record: JournalRecord) -> str:
    return str(orjson.loads(record.value)["id"])


def _key(data: dict[str, Any]) -> bytes:
    return str(data["item"] if "item" in data else data["objective"]).encode()
