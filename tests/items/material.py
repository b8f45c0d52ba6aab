"""Configurations, events and entries for the tests of this folder."""

from __future__ import annotations

from typing import Any

from stream.config.loading import parse_config
from stream.config.model import FlowConfig
from stream.events.event import DAY, Event, EventType
from stream.items.row import Entry

NOW = 1_000 * DAY

FLOW = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        teams: [{team: Cards}, {team: Wallets}]
  - value_stream: Lending
    arts:
      - art: Loans
        teams: [{team: Credit}]
workflows:
  - name: delivery
    states: {new: [To Do], active: [Doing], waiting: [Ready], done: [Done], cancelled: [Dropped]}
item_types:
  feature: [Story]
"""

# The same teams; every level owns something, and there are backlogs.
LEVELS = """\
version: 1
portfolio: {owns: [{project: PORT}]}
organisation:
  - value_stream: Payments
    owns: [{project: PAYMENTS}]
    arts:
      - art: Checkout
        owns: [{project: [CHECKOUT, PORT], item_type: Feature}]
        teams: [{team: Cards}, {team: Wallets, owns: [{team: Wallets}, {project: PORT, item_type: Story}]}]
  - value_stream: Lending
    arts:
      - art: Loans
        teams: [{team: Credit}]
workflows:
  - name: delivery
    states: {new: [To Do], active: [Doing], waiting: [Ready], done: [Done], cancelled: [Dropped]}
item_types:
  feature: [Story]
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: Epic}}
  - {backlog: features, home: art, holds: {item_type: Feature}}
  - {backlog: stories, home: team, holds: {item_type: [Story, Bug]}}
"""


def configured(text: str = FLOW) -> FlowConfig:
    """Read a configuration."""
    return parse_config(text, "flow.yaml")


def event(time: int = NOW - DAY, item: str = "1", **changes: Any) -> Event:
    """Make a change; its id follows from its content."""
    name = f"{time} {sorted(changes.items())}"
    return Event("jira/acme", name, time, "", EventType.CHANGED, item, changes)


def entry(day: int, kind: EventType = EventType.CHANGED, **changes: Any) -> Entry:
    """Make an entry of a history, at a day."""
    return Entry(day * DAY, "", f"{day}", "jira/acme", kind, changes)
