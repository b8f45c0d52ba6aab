"""A log that the repository makes itself: a service desk's tickets, as many events and items as the real log has.

The frequencies of states, pauses, re-openings and hand-overs are about those of the real log (`real_log.py`). What that
lacks is added: types, several value streams, a state without a sub-status, and tickets that stay open at the end.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import yaml

from tests.oracle.logs import Log
from tests.oracle.rules import Json

SEED = 2013
ITEMS, EVENTS = 1_487, 6_660
END = datetime(2025, 5, 31, 22, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Helsinki")
COLUMNS = ("ticket", "changed_at", "status", "sub_status", "desk", "kind")
MAPPING = {
    "ticket": "item",
    "changed_at": "time",
    "status+sub_status": "state",
    "desk": "team",
    "kind": "item_type",
}

# Percent. A life begins in one of the first states and goes on until it is over.
FIRST = {"Open/In Work": 94.0, "New/Triage": 4.0, "Open/On Hold": 2.0}
OVER = ""
NEXT = {
    "New/Triage": {"Open/In Work": 91.0, "Open/Handed Over": 9.0},
    "Open/In Work": {
        "Closed/Solved": 46.0,
        "New/Triage": 23.0,
        "Open/Handed Over": 15.4,
        "Open/On Hold": 15.0,
        "Lost": 0.4,
        "Closed/Withdrawn": 0.2,
    },
    "Open/Handed Over": {"Open/In Work": 69.0, "Open/On Hold": 14.0, "New/Triage": 11.0, "Closed/Solved": 6.0},
    "Open/On Hold": {"Closed/Solved": 52.0, "Open/In Work": 27.0, "New/Triage": 12.0, "Open/Handed Over": 9.0},
    "Lost": {"Closed/Solved": 50.0, "Open/In Work": 30.0, "New/Triage": 20.0},
    "Closed/Withdrawn": {"Open/In Work": 100.0},
    "Closed/Solved": {OVER: 95.0, "Open/In Work": 5.0},
}
DESKS = {
    "Network": 40.0,
    "Databases": 26.0,
    "Printing": 17.0,
    "Phones": 9.0,
    "Billing": 3.0,
    "Payroll": 2.0,
    "Doors": 1.0,
    "Lifts": 1.0,
    "Guests": 1.0,
}
KINDS = {"Incident": 55.0, "Request": 25.0, "Change": 12.0, "Question": 8.0}
HANDED_OVER, RETYPED = 0.03, 0.01
# Seconds between two events of a ticket: lognormal, with this median and this sigma of the logarithm.
PAUSE, SPREAD, LONGEST = 8 * 3600, 4.0, 400 * 86_400
DAYS_OF_CLOSING = 150

# "Guests" is left unowned, and "Lost" unmapped, on purpose.
FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Workplace
    load_limit: 400
    arts:
      - art: Infrastructure
        load_limit: 250
        teams:
          - {team: Network, load_limit: 120}
          - {team: Data, load_limit: 60, owns: [{team: Databases}]}
      - art: Devices
        teams:
          - {team: Printing, load_limit: 45}
          - {team: Phones}
  - value_stream: Back office
    arts:
      - art: Money
        load_limit: 10
        teams:
          - {team: Pay, owns: [{team: [Billing, Payroll]}]}
  - value_stream: Buildings
    arts:
      - art: House
        teams:
          - {team: House, load_limit: 2, owns: [{team: Doors}, {team: Lifts}]}
workflows:
  - name: desk
    states:
      new: [New/Triage]
      active: [Open/In Work]
      waiting: [Open/Handed Over, Open/On Hold]
      done: [Closed/Solved]
      cancelled: [Closed/Withdrawn]
    on_return: keep
item_types:
  defect: [Incident]
  feature: [Request, Change]
windows: [7d, 30d, 90d, 365d]
"""

CONFIG: Json = yaml.safe_load(FLOW_YAML)

# Hardly begun; in the busiest months; two weeks after the last event.
INSTANTS = (
    datetime(2022, 6, 15, tzinfo=UTC),
    datetime(2025, 2, 15, 12, tzinfo=UTC),
    datetime(2025, 6, 15, tzinfo=UTC),
)

Step = tuple[datetime, str]


def write_log(folder: Path) -> Log:
    """Write the log into a folder; its content is always the same."""
    path = folder / "made.csv.gz"
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return Log(path, MAPPING, FLOW_YAML, CONFIG, INSTANTS)


def rows() -> list[tuple[str, ...]]:
    """Make the log's rows, in the order of time."""
    chance = Random(SEED)
    lives: list[list[Step]] = []
    while len(lives) < ITEMS:
        if life := _life(chance):
            lives.append(life)
    _fill(chance, lives)
    timed = [row for number, life in enumerate(lives, start=1) for row in _rows(chance, f"T-{number:05}", life)]
    return [row for _, row in sorted(timed, key=lambda one: one[0])]


def _life(chance: Random) -> list[Step]:
    """Go from state to state; the last is reached in the last months, or after the log's end and is left out."""
    states = [_pick(chance, FIRST)]
    while (state := _pick(chance, NEXT[states[-1]])) != OVER:
        states.append(state)
    times = [END - timedelta(seconds=chance.randint(-15 * 86_400, DAYS_OF_CLOSING * 86_400))]
    for _ in states[1:]:
        pause = min(chance.lognormvariate(log(PAUSE), SPREAD), LONGEST)
        times.insert(0, times[0] - timedelta(seconds=1 + int(pause)))
    return [(time, state) for time, state in zip(times, states, strict=True) if time <= END]


def _fill(chance: Random, lives: list[list[Step]]) -> None:
    """Repeat states in the middle of lives until the log has its size."""
    for _ in range(EVENTS - sum(len(life) for life in lives)):
        life, at = _long_stay(chance, lives)
        (time, state), (end, _) = life[at : at + 2]
        seconds = int((end - time).total_seconds() * chance.uniform(0.1, 0.9))
        life.insert(at + 1, (time + timedelta(seconds=seconds), state))


def _long_stay(chance: Random, lives: list[list[Step]]) -> tuple[list[Step], int]:
    """Choose a stay of more than a minute in a state that is not an end."""
    while True:
        life = chance.choice(lives)
        at = chance.randrange(len(life))
        if at + 1 < len(life) and life[at + 1][0] - life[at][0] > timedelta(minutes=1) and "Closed" not in life[at][1]:
            return life, at


def _rows(chance: Random, ticket: str, life: list[Step]) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    desk, kind = _pick(chance, DESKS), _pick(chance, KINDS)
    for time, state in life:
        status, _, sub_status = state.partition("/")
        local = time.astimezone(ZONE).isoformat(timespec="milliseconds")
        yield time, (ticket, local, status, sub_status, desk, kind)
        if chance.random() < HANDED_OVER:
            desk = _pick(chance, DESKS)
        # An empty cell changes nothing.
        kind = _pick(chance, KINDS) if chance.random() < RETYPED else ""


def _pick(chance: Random, weights: Mapping[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
