"""Summaries for boards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream.config.loading import parse_config
from stream.config.model import FlowConfig
from stream.events.event import DAY
from stream.flow.nodes import Node
from stream.items.summary import FlowState, Owner, Stamp, Summary

CARDS = Owner("Payments", "Checkout", "Cards")
WALLETS = Owner("Payments", "Checkout", "Wallets")
CREDIT = Owner("Lending", "Loans", "Credit")
CHECKOUT = Owner("Payments", "Checkout", "")
PAYMENTS = Owner("Payments", "", "")
EVERYTHING = Owner("", "", "")

TEAM = Node("team", *CARDS, "all")
PORTFOLIO = Node("portfolio", backlog="all")

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

# The same organisation, in which every level owns and limits something, with three backlogs.
LEVELS = """\
version: 1
portfolio: {load_limit: 5, owns: [{project: PORT}]}
organisation:
  - value_stream: Payments
    load_limit: {epics: 3, features: 60}
    owns: [{project: PAYMENTS}]
    arts:
      - art: Checkout
        load_limit: 30
        owns: [{project: CHECKOUT}]
        teams: [{team: Cards, load_limit: {stories: 8}}, {team: Wallets, load_limit: {features: 1, stories: 4}}]
  - value_stream: Lending
    arts:
      - {art: Loans, teams: [{team: Credit}]}
workflows:
  - {name: delivery, states: {active: [Doing], done: [Done]}}
item_types: {feature: [Story]}
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: Epic}}
  - {backlog: features, home: art, holds: {item_type: Feature}}
  - {backlog: stories, home: team, holds: {item_type: [Story, Bug]}}
windows: [1d, 7d]
"""
# No backlog is planned at the level of teams.
ABOVE_TEAMS = f"""\
{FLOW.replace("team: Cards, load_limit: 2", "team: Cards")}
backlogs:
  - {{backlog: epics, home: portfolio, holds: {{item_type: Epic}}}}
  - {{backlog: rest, home: art}}
"""


def configured(text: str = FLOW) -> FlowConfig:
    """Read a configuration."""
    return parse_config(text, "flow.yaml")


def doing(start: int, owner: Owner = CARDS, backlog: str | None = "all", **others: Any) -> Summary:
    """Make an item in progress since a day."""
    stamp = Stamp(start * DAY, owner, "feature", backlog)
    fields: Mapping[str, Any] = {"backlog": backlog, "start": stamp, **others}
    return Summary("1", "jira/acme", owner, "feature", "Doing", FlowState.ACTIVE, **fields)


def done(
    finish: int, start: int | None = None, owner: Owner = CARDS, backlog: str | None = "all", **others: Any
) -> Summary:
    """Make an item finished on a day; `points` are those at the finish and now."""
    begun = None if start is None else Stamp(start * DAY, owner, "feature", backlog)
    ended = Stamp(finish * DAY, owner, "feature", backlog, others.get("points"))
    fields: Mapping[str, Any] = {"backlog": backlog, "start": begun, "finish": ended, **others}
    return Summary("1", "jira/acme", owner, "feature", "Done", FlowState.DONE, **fields)
