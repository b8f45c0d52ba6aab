"""What the demo feeds: the journal's events, the simulation's, or a log's."""

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
from stream.demo.worktime import Live
from stream.errors import ServeError, SettingsError
from stream.events.encode import encode, key_of
from stream.events.log import LogRow

DEFAULT_SEED = 1


class Step(NamedTuple):
    """A record to feed, not before it is `due`.

    `done` is the part of the history that ends with it, 0 to 1; `kept` says that the journal has it.
    """

    record: JournalRecord
    done: float
    due: datetime | None = None
    kept: bool = False


class Simulated(NamedTuple):
    """A simulation: its seed, where it starts, and the spans in which it was and is watched."""

    seed: int
    start: datetime
    live: tuple[Live, ...]

    def origin(self) -> dict[str, str]:
        """How the journal notes it."""
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
        spans = [Live(read(start), end and read(end)) for start, end in json.loads(origin["live"])]
        return cls(int(origin["seed"]), read(origin["start"]), tuple(spans))


def resume_simulation(journal: EventJournal, seed: int | None, start: datetime, now: datetime) -> Simulated:
    """Begin a simulation, or go on with the journal's; it is live from `now` on.

    Raises SettingsError if the journal holds other events.
    """
    origin = journal.origin()
    if not origin:
        simulated = Simulated(DEFAULT_SEED if seed is None else seed, start, (Live(now, None),))
    else:
        _check_kind(origin, "simulation")
        before = Simulated.parse(origin)
        if seed not in (None, before.seed):
            mend = "leave --seed out, or give another --data-dir"
            raise SettingsError(f"--seed is {seed}, but the journal holds the events of seed {before.seed}: {mend}")
        last = _last_time(journal)
        # A clock that was set back must not set back the events.
        live = (*_until(before.live, last), Live(max(now, last or now), None))
        simulated = before._replace(live=live)
    journal.set_origin(simulated.origin())
    return simulated


def resume_log(journal: EventJournal, path: Path) -> None:
    """Begin with a log, or go on with it; raises SettingsError if the journal holds other events."""
    origin = journal.origin()
    if origin:
        _check_kind(origin, "log")
        if origin["file"] != path.name:
            mend = "give another --data-dir"
            raise SettingsError(f"--log is '{path}', but the journal holds the events of '{origin['file']}': {mend}")
    journal.set_origin({"kind": "log", "file": path.name})


def replayed(journal: EventJournal) -> Iterator[Step]:
    """What the journal holds."""
    count = journal.count()
    for number, record in enumerate(journal.replay(), start=1):
        yield Step(record, number / count, kept=True)


def simulated_steps(simulated: Simulated, journal: EventJournal) -> Iterator[Step]:
    """What the simulation has beyond the journal, without end. Raises ServeError if the two do not fit."""
    events = simulate_with_objectives(simulated.seed, simulated.start, live=simulated.live)
    records = _beyond((JournalRecord(_key(event["data"]), orjson.dumps(event)) for event in events), journal)
    history = (simulated.live[-1].start - simulated.start).total_seconds()
    for record in records:
        due = _time(record)
        yield Step(record, min(1.0, (due - simulated.start).total_seconds() / history), due)


def log_steps(
    rows: Iterator[LogRow], size: int, journal: EventJournal, refuse: Callable[[LogRow], None]
) -> Iterator[Step]:
    """What a log of `size` bytes has beyond the journal; rows that are no events go to `refuse`.

    Raises ServeError if the journal does not fit, and what reading the rows raises.
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

    for record in _beyond(records(), journal):
        yield Step(record, position / max(1, size))


def _beyond(records: Iterator[JournalRecord], journal: EventJournal) -> Iterator[JournalRecord]:
    last = journal.last()
    skipped = next(iter(deque(islice(records, journal.count()), maxlen=1)), None)
    # The times of a simulation may differ by a rounding where it was interrupted; its names may not.
    if last is not None and (skipped is None or _name(skipped) != _name(last)):
        mend = "give another --data-dir, or move its journal away"
        raise ServeError(f"the journal ends with the event {_name(last)!r}, which does not come here: {mend}")
    yield from records


def _check_kind(origin: dict[str, str], wanted: str) -> None:
    if origin["kind"] != wanted:
        mend = "give another --data-dir"
        raise SettingsError(f"the journal holds the events of a {origin['kind']}, not of a {wanted}: {mend}")


def _until(live: tuple[Live, ...], end: datetime | None) -> Iterator[Live]:
    """Close the spans: nobody watched after the last event."""
    for span in live:
        if span.end is not None:
            yield span
        elif end is not None and end > span.start:
            yield Live(span.start, end)


def _last_time(journal: EventJournal) -> datetime | None:
    last = journal.last()
    return None if last is None else _time(last)


def _time(record: JournalRecord) -> datetime:
    return datetime.fromisoformat(orjson.loads(record.value)["time"])


def _name(record: JournalRecord) -> str:
    return str(orjson.loads(record.value)["id"])


def _key(data: dict[str, Any]) -> bytes:
    return str(data["item"] if "item" in data else data["objective"]).encode()
