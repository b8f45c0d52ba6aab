"""The events of the benchmarks: deterministic, time-ordered, one JSON CloudEvent of some 300 bytes each.

Items pass from `To Do` to `Done`, some with rework, some reopened, some moved to another team on the way. The counts
that every contestant must have at the end are computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from random import Random
from typing import NamedTuple

from aiokafka.partitioner import murmur2

from benchmarks.contestants.tally import by_team, phase

PARTITIONS = 4
TEAMS_AN_ART = 10
ARTS_A_STREAM = 5
SPAN = timedelta(days=60)
SEED = 20
NEXT = {
    "To Do": "In Progress",
    "In Progress": "Ready for Review",
    "Ready for Review": "In Review",
    "In Review": "Ready for Test",
    "Ready for Test": "Done",
    "Done": "In Progress",
}
REWORK, REOPENED, MOVED = 0.2, 0.03, 0.02
TYPES = ("Story", "Story", "Story", "Bug", "Spike", "Tech Debt")
EVENT = (
    '{"specversion":"1.0","id":"bench/tracker:%s:%d","source":"bench/tracker","type":"flow.item.changed",'
    '"time":"%s","sequence":"%012d","data":{"item":"%s","key":"BEN-%s","state":"%s","team":"%s",'
    '"item_type":"%s","project":"BEN","points":%d}}'
)

Keyed = tuple[bytes, bytes]


class Size(NamedTuple):
    """The size of a workload. An item has `events / items` events on average."""

    events: int
    items: int
    teams: int


@dataclass(frozen=True)
class Workload:
    """Events by partition of the topic, and their result: (in progress, finished) of each team."""

    size: Size
    partitions: list[list[Keyed]]
    expected: Mapping[str, tuple[int, int]]
    # The last (team, state) of each item at the end.
    last: Mapping[str, tuple[str, str]]


def team_name(number: int) -> str:
    """Return the name of a team."""
    return f"Team {number:05}"


def partition_of(key: bytes, partitions: int = PARTITIONS) -> int:
    """Return the partition that Kafka's default partitioner chooses."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def workload(size: Size, end: datetime, count: int = PARTITIONS) -> Workload:
    """Make a workload for that many partitions. Its last event is at `end`, its first 60 days before."""
    partitions: list[list[Keyed]] = [[] for _ in range(count)]
    places: dict[str, int] = {}
    last: dict[str, tuple[str, str]] = {}
    for number, (item, team, state) in enumerate(islice(changes(size), size.events)):
        time = end - SPAN * ((size.events - 1 - number) / size.events)
        key = item.encode()
        if item not in places:
            places[item] = partition_of(key, count)
        partitions[places[item]].append((key, event(number, item, team, state, time)))
        last[item] = team, state
    return Workload(size, partitions, expected(last), last)


def changes(size: Size) -> Iterator[tuple[str, str, str]]:
    """Yield (item, team, state) of each event in the order of time, without end: it continues beyond `size`."""
    chance = Random(SEED)  # noqa: S311
    under_way: list[list[str]] = []
    opened = 0
    for number in count():
        if opened * size.events <= number * size.items or not under_way:
            row = [f"{opened:09}", team_name(int(chance.random() * size.teams)), "To Do"]
            under_way.append(row)
            opened += 1
        else:
            index = int(chance.random() * len(under_way))
            row = under_way[index]
            _advance(row, chance, size.teams)
            if row[2] == "Done" and chance.random() > REOPENED:
                under_way[index] = under_way[-1]
                under_way.pop()
        yield row[0], row[1], row[2]


def _advance(row: list[str], chance: Random, teams: int) -> None:
    state = row[2]
    row[2] = "In Progress" if state == "In Review" and chance.random() < REWORK else NEXT[state]
    if chance.random() < MOVED:
        row[1] = team_name(int(chance.random() * teams))


def event(number: int, item: str, team: str, state: str, time: datetime) -> bytes:
    """Write one event as the contract has it."""
    kind = TYPES[int(item) % len(TYPES)]
    when = time.astimezone(UTC).isoformat(timespec="milliseconds")
    return (EVENT % (item, number, when, number, item, item, state, team, kind, number % 8)).encode()


def expected(last: Mapping[str, tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Count items in progress and finished by team, for teams that have any."""
    return by_team(Counter((team, phase(state)) for team, state in last.values()))


def flow_yaml(teams: int, *, arts_a_stream: int = ARTS_A_STREAM, review_waits: bool = False) -> str:
    """Write the organisation of a workload. With `review_waits` the state of review waits, so all is derived again."""
    rows = ["version: 1", "organisation:"]
    for number in range(teams):
        if number % (TEAMS_AN_ART * arts_a_stream) == 0:
            rows += [f"  - value_stream: Stream {number // (TEAMS_AN_ART * arts_a_stream):04}", "    arts:"]
        if number % TEAMS_AN_ART == 0:
            rows += [f"      - art: ART {number // TEAMS_AN_ART:04}", "        teams:"]
        rows.append(f"          - {{team: {team_name(number)}, load_limit: 1000}}")
    active, waiting = ["In Progress"], ["Ready for Review", "Ready for Test"]
    (waiting if review_waits else active).append("In Review")
    return "\n".join(
        [
            *rows,
            "workflows:",
            "  - name: delivery",
            f"    states: {{new: [To Do], active: {active}, waiting: {waiting}, done: [Done]}}".replace("'", ""),
            "item_types: {feature: [Story], defect: [Bug], enabler: [Spike], debt: [Tech Debt]}",
            "",
        ]
    )
