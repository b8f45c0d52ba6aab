"""A small organisation, and events of its items. Two partitions of `flow.items` keep its two value streams apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.kafka.scrape import merged_metrics
from tests.kafka.worker import Worker
from tests.oracle.rules import Json

FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Payments
    arts: [{art: Checkout, teams: [{team: Cards}]}]
  - value_stream: Lending
    arts: [{art: Loans, teams: [{team: Homes}]}]
workflows:
  - name: all
    states: {new: [New], active: [Doing], done: [Done]}
windows: [7d]
"""
TEAMS = ("Cards", "Homes")


def changes(items: Iterable[int], state: str, time: datetime) -> list[Json]:
    """Let items enter a state, each a second after the one before."""
    return [_change(item, state, time + number * timedelta(seconds=1)) for number, item in enumerate(items)]


def _change(item: int, state: str, time: datetime) -> Json:
    return {
        "specversion": "1.0",
        "id": f"{item}-{state}",
        "source": "tests",
        "type": "flow.item.changed",
        "time": time.isoformat(),
        "data": {"item": str(item), "team": TEAMS[item % len(TEAMS)], "state": state},
    }


def counted(workers: Iterable[Worker]) -> dict[str, float]:
    """Sum load and velocity over all workers. Raises Conflict if they differ."""
    shown = merged_metrics(workers)
    return {
        metric: sum(value for (name, _), value in shown.items() if name == metric)
        for metric in ("flow_load_items", "flow_velocity_items")
    }
