"""Items with a life of some days each, for tests of the places of events and histories."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import yaml

from stream.events.partition import partition_of
from tests.kafka.topics import read_topic
from tests.kafka.worker import Deployment
from tests.oracle.rules import Json

AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
STATES = ["Backlog", "In Progress", "Ready for Review", "In Progress", "Done"]
FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        load_limit: 12
        teams: [{team: Cards, load_limit: 8}, {team: Wallets}]
workflows:
  - name: delivery
    states: {new: [Backlog], active: [In Progress], waiting: [Ready for Review], done: [Done]}
windows: [7d, 30d]
"""
CONFIG: Json = yaml.safe_load(FLOW_YAML)


def lives(items: int, first: int = 0) -> list[Json]:
    """Write the events of this many items, three to five each, one of each item in turn."""
    return [
        {
            "specversion": "1.0",
            "id": f"{item}-{step}",
            "source": "jira/acme",
            "type": "flow.item.changed",
            "time": (AT - timedelta(days=9, minutes=-item) + timedelta(hours=31 * step)).isoformat(),
            "data": {"item": str(item), "state": STATES[step], "team": ("Cards", "Wallets")[item % 2]},
        }
        for step in range(len(STATES))
        for item in range(first, first + items)
        if step <= 2 + item % 3
    ]


def assert_one_history_each(deployment: Deployment, items: int, partitions: int) -> None:
    """Fail unless each item has rows in the partition of its key and in no other."""
    found = defaultdict(set)
    for row in read_topic(deployment.broker, deployment.topic("histories")):
        found[row.key].add(row.partition)
    assert len(found) == items
    misplaced = {key: places for key, places in found.items() if places != {partition_of(key or b"", partitions)}}
    assert not misplaced
