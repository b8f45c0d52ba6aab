"""A story has events and a flow.yaml as input, and as output the numbers that `flowgauge replay --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from stream.config.loading import parse_config
from stream.events.decode import decode_value
from stream.events.time import parse_time
from stream.flow.nodes import Node
from stream.flow.replay import Replay
from stream.flow.report import as_json

Json = dict[str, Any]

HOUR = 3600.0
DAY = 24 * HOUR
ARRIVAL = parse_time("2026-12-31T00:00:00Z")

FLOW = """\
version: 1
organisation:
  - value_stream: Payments
    load_limit: 20
    arts:
      - art: Checkout
        teams: [{team: Cards, load_limit: 2}, {team: Wallets}]
      - art: Billing
        teams: [{team: Invoices}]
  - value_stream: Lending
    arts:
      - art: Loans
        teams: [{team: Credit}]
workflows:
  - name: delivery
    states:
      new: [Backlog, To Do]
      active: [Doing, Review]
      waiting: [Ready]
      done: [Done, Released]
      cancelled: [Dropped]
item_types:
  feature: [Story]
  defect: [Bug]
windows: [1d, 7d, 30d, 365d]
"""
RESET = FLOW.replace("name: delivery", "name: delivery\n    on_return: reset")


def instant(time: str) -> str:
    """Write a day, or a day with hour and minute, as the midnight or minute in UTC that it means."""
    return f"{time}T00:00:00Z" if "T" not in time else f"{time}:00Z"


def event(time: str, data: Json, kind: str = "flow.item.changed", **envelope: str) -> Json:
    """Make an event; its id follows from its content unless it is given."""
    name = f"{time} {kind} {orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()}"
    head = {"specversion": "1.0", "id": name, "source": "jira/acme", "type": kind, "time": instant(time)}
    return {**head, **envelope, "data": data}


def change(time: str, state: str | None = None, item: str = "1", **fields: Any) -> Json:
    """Make a change of an item; items are stories of Cards until an event says otherwise."""
    data = {"item": item, **fields} | ({} if state is None else {"state": state})
    return event(time, data)


def begin(time: str, state: str, item: str = "1", **fields: Any) -> Json:
    """Make an item's first event: a story of Cards, unless the fields say otherwise."""
    return change(time, state, item, **{"team": "Cards", "item_type": "Story", **fields})


def delete(time: str, item: str = "1", **fields: Any) -> Json:
    """Make a deletion."""
    return event(time, {"item": item, **fields}, "flow.item.deleted")


def erase(time: str, item: str = "1") -> Json:
    """Make an erasure."""
    return event(time, {"item": item}, "flow.item.erased")


def objective(time: str, name: str = "A", **fields: Any) -> Json:
    """Make a change of a PI objective."""
    return event(time, {"objective": name, **fields}, "flow.objective.changed")


def plan(time: str, name: str = "A", **fields: Any) -> Json:
    """Make an objective's first event: Cards promise 10 in 2026.3, unless the fields say otherwise."""
    return objective(time, name, **{"pi": "2026.3", "team": "Cards", "planned_value": 10, **fields})


class Numbers:
    """The numbers of a story at an instant.

    Nodes go by their own name, which is unique in `FLOW`; the portfolio has none. In a configuration with backlogs, the
    backlog follows, as in `Cards:stories` and `:epics`.
    """

    def __init__(self, events: Sequence[Json], at: str, flow: str = FLOW) -> None:
        now = parse_time(instant(at))
        replay = Replay(parse_config(flow, "flow.yaml"), now)
        replay.add(decode_value(orjson.dumps(envelope), ARRIVAL) for envelope in events)
        self._now = now
        self._replay = replay
        self._rows = {own_name(row.node): row for row in replay.read() if not row.node.own}

    def node(self, name: str = "") -> Json:
        """Give the numbers of a node."""
        return as_json(self._rows[name], self._now)

    def names(self) -> set[str]:
        """Name all nodes that are shown."""
        return set(self._rows)

    def unplaced(self) -> dict[tuple[str, str], int]:
        """Give how many items no backlog holds, by source and flow item type."""
        return dict(self._replay.unplaced())

    def load(self, name: str = "") -> int:
        """Give a node's load."""
        return int(self.node(name)["load"]["items"])

    def window(self, label: str, name: str = "") -> Json:
        """Give a node's numbers over a window."""
        found: Json = self.node(name)["windows"][label]
        return found

    def velocity(self, label: str, name: str = "") -> int:
        """Give a node's velocity over a window."""
        return int(self.window(label, name)["velocity"])

    def increments(self, name: str = "") -> dict[str, Json]:
        """Give a node's predictability, by PI."""
        found: dict[str, Json] = self.node(name)["predictability"]
        return found

    def targets(self, name: str = "") -> dict[str, tuple[float | None, bool | None]]:
        """Give what a node's targets measure, and whether they are met."""
        return {target["name"]: (target["actual"], target["met"]) for target in self.node(name)["targets"]}

    def lower_bounds(self, name: str = "") -> int:
        """Give how many ages of a node are lower bounds."""
        return self._rows[name].lower_bounds

    def states(self, name: str = "") -> dict[str, int]:
        """Give how many items of a node are in each workflow state."""
        return dict(self._rows[name].states)


def own_name(node: Node) -> str:
    """Give a node's own name; that of `unassigned` is its level as well, since all three are called so."""
    name = "" if node.level == "portfolio" else str(getattr(node, node.level))
    name = f"{node.level} {name}" if name == "unassigned" else name
    return name if node.backlog == "all" else f"{name}:{node.backlog}"
