"""Summaries for boards."""

from __future__ import annotations

from typing import Any

from stream.config.loading import parse_config
from stream.config.model import FlowConfig
from stream.events.event import DAY
from stream.items.summary import FlowState, Stamp, Summary, Team

CARDS = Team("Payments", "Checkout", "Cards")
CREDIT = Team("Lending", "Loans", "Credit")

FLOW = """\
version: 1
organisation:
  - value_stream: Payments
    load_limit: 20
    arts:
      - {art: Checkout, load_limit: 10, teams: [{team: Cards, load_limit: 2}, {team: Wallets}]}
  - value_stream: Lending
    arts:
      - {art: Loans, teams: [{team: Credit}]}
workflows:
  - {name: delivery, states: {active: [Doing], done: [Done]}}
item_types: {feature: [Story]}
windows: [1d, 7d]
"""


def configured(text: str = FLOW) -> FlowConfig:
    """Read a configuration."""
    return parse_config(text, "flow.yaml")


def doing(start: int, owner: Team = CARDS, **others: Any) -> Summary:
    """Make an item in progress since a day."""
    stamp = Stamp(start * DAY, owner, "feature")
    return Summary("1", "jira/acme", owner, "feature", "Doing", FlowState.ACTIVE, start=stamp, **others)


def done(finish: int, start: int | None = None, owner: Team = CARDS, **others: Any) -> Summary:
    """Make an item finished on a day."""
    begun = None if start is None else Stamp(start * DAY, owner, "feature")
    ended = Stamp(finish * DAY, owner, "feature")
    return Summary("1", "jira/acme", owner, "feature", "Done", FlowState.DONE, start=begun, finish=ended, **others)
