"""Events of a small organisation, for tests that need a few items instead of a real log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.kafka.scrape import merged_metrics
from tests.kafka.topics import Record
from tests.kafka.worker import Worker

FLOW = """\
version: 1
organisation:
  - value_stream: Pay
    arts: [{art: A, teams: [{team: One, owns: [{team: X}]}]}]
  - value_stream: Ship
    arts: [{art: B, teams: [{team: Two, owns: [{team: Y}]}]}]
workflows:
  - name: all
    states: {new: [New], active: [Doing], waiting: [Waiting], done: [Done]}
item_types: {feature: [Story]}
windows: [7d]
"""
DAYS_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)


def event(item: int, number: int, *, at: datetime | None = None, **data: object) -> Record:
    """Make an event of an item of team One, ten minutes after the one before, or at `at`."""
    envelope = {
        "specversion": "1.0",
        "id": f"{item}-{number}",
        "source": "t",
        "type": "flow.item.changed",
        "time": (at or DAYS_AGO + number * timedelta(minutes=10)).isoformat(),
        "data": {"item": str(item), "team": "X", "item_type": "Story", **data},
    }
    return Record(str(item).encode(), json.dumps(envelope).encode())


def doing(items: range) -> list[Record]:
    """Make one event for each item, which puts it in progress."""
    return [event(item, 0, state="Doing") for item in items]


def total(worker: Worker, metric: str, **labels: str) -> float:
    """Sum the series of a metric that have these labels."""
    found = merged_metrics([worker]).items()
    return sum(value for (name, has), value in found if name == metric and set(labels.items()) <= set(has))
