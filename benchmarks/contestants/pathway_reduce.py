"""Pathway: two reductions, the last state of each item and the items by team and state.

With its defaults (one worker thread, a commit every 1.5 s). With a folder for its state it persists its operators
there; without one nothing is durable. Reading counts from the start of Pathway, which does not report when it begins.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pathway as pw

from benchmarks.contestants.tally import by_team, done, phase, reading


class Change(pw.Schema):
    """The fields that are read of an event."""

    item: str
    team: str
    state: str
    sequence: str


class Totals:
    """The current result of the last reduction, and how many events are still missing in it."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._counts: dict[tuple[str, str], int] = {}

    def change(self, row: dict[str, Any], *, is_addition: bool) -> None:
        """Add a row, or remove its former value."""
        place = row["team"], phase(row["state"])
        step = 1 if is_addition else -1
        self._counts[place] = self._counts.get(place, 0) + step * row["items"]
        self._left -= step * row["events"]

    def settle(self) -> None:
        """Check at the end of a commit, when all events read so far are counted."""
        if self._left == 0:
            done(by_team(self._counts))


def run(broker: str, topic: str, count: int, name: str, folder: Path | None) -> None:
    """Read the topic from its beginning and count. The caller must end the process."""
    totals = Totals(count)
    changes = pw.io.kafka.read(
        {"bootstrap.servers": broker, "group.id": name, "auto.offset.reset": "earliest"},
        topic,
        schema=Change,
        format="json",
        json_field_paths={"item": "/data/item", "team": "/data/team", "state": "/data/state"},
        name="changes",
    )
    last = changes.groupby(changes.item).reduce(
        newest=pw.reducers.max(pw.make_tuple(changes.sequence, changes.team, changes.state)),
        events=pw.reducers.count(),
    )
    flat = last.select(team=pw.this.newest[1], state=pw.this.newest[2], events=pw.this.events)
    teams = flat.groupby(flat.team, flat.state).reduce(
        flat.team, flat.state, items=pw.reducers.count(), events=pw.reducers.sum(flat.events)
    )
    pw.io.subscribe(
        teams,
        on_change=lambda key, row, time, is_addition: totals.change(row, is_addition=is_addition),  # noqa: ARG005
        on_time_end=lambda time: totals.settle(),  # noqa: ARG005
    )
    reading()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=_persistence(folder))


def _persistence(folder: Path | None) -> Any:
    if folder is None:
        return None
    return pw.persistence.Config(
        pw.persistence.Backend.filesystem(folder / "pathway"),
    )


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]) if sys.argv[5] else None)
