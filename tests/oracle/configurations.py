"""Hypothesis strategies: small configurations, with backlogs, owners at every level, periods and targets."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.oracle.backlogs import always_shows, backlogs, home_of
from tests.oracle.rules import PORTFOLIO, Json, arts, node_of, teams, value_streams

# Bounds that a small history comes to lie below, at and above.
BOUNDS: dict[str, list[tuple[Any, Any]]] = {
    "flow_time": [("12h", "1d"), ("24h", "3d"), ("2d", "2d")],
    "velocity": [(1, 2), (0, 0), (2, 3)],
    "efficiency": [(0.5, 0.5), (0.3, 0.9), (0, 1)],
    "distribution": [(0.5, 0.5), (0.1, 0.7), (1, 1)],
    "load": [(1, 1), (0, 2), (2, 3)],
    "predictability": [(0.8, 1), (1, 1), (0.5, 1.25)],
}

# Rules over several fields, list attributes, two workflows of which none may apply, a type that chooses the
# workflow, states that mean different things in each, one team name in no rule.
RICH = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        teams:
          - team: Cards
            owns: [{source: jira/acme, project: PAY, component: cards}, {labels: [cards, wallet]}]
          - team: Wallets
      - art: Billing
        teams:
          - {team: Invoices, owns: [{project: BILL}]}
  - value_stream: Lending
    arts:
      - art: Loans
        teams:
          - team: Loans
          - {team: Cards, owns: [{project: LOAN, labels: cards}]}
          - {team: Credit, owns: [{project: [LOAN, CREDIT]}]}
workflows:
  - name: incidents
    applies_to: {item_type: [Bug, Incident]}
    states:
      new: [To Do]
      active: [In Progress, Triage]
      waiting: [Review]
      done: [Closed]
      cancelled: [Rejected]
  - name: delivery
    applies_to: {source: jira/acme}
    states:
      new: [Backlog, To Do]
      active: [In Progress, Review]
      waiting: [Ready]
      done: [Done, Closed]
      cancelled: [Rejected]
item_types:
  feature: [Story, Feature]
  defect: [Bug]
windows: [1d, 7d]
"""

# The plainest: teams by name, one workflow for all, no item types.
PLAIN = """\
version: 1
organisation:
  - value_stream: Main
    arts:
      - art: Train
        teams: [{team: Red}, {team: Blue}]
workflows:
  - name: all
    states: {new: [To Do], active: [Doing], waiting: [Waiting], done: [Done], cancelled: [Dropped]}
windows: [2d, 30d]
"""

# Rules over booleans and numbers, an ART of one name in two value streams, items that several rules match.
SCALARS = """\
version: 1
organisation:
  - value_stream: North
    arts:
      - art: Platform
        teams:
          - {team: Firefighters, owns: [{escalated: true}]}
          - {team: Big, owns: [{points: 8}, {points: 13, source: hub}]}
  - value_stream: South
    arts:
      - art: Platform
        teams:
          - {team: Small, owns: [{points: [1, 2]}, {escalated: false}]}
          - {team: Rest}
workflows:
  - name: hub
    applies_to: {source: hub}
    states: {new: [open], active: [started], waiting: [parked], done: [closed, merged]}
  - name: any
    states: {new: [open, parked], active: [started], waiting: [review], done: [closed], cancelled: [merged]}
item_types:
  feature: [Story]
  defect: [Bug]
  debt: [Chore]
windows: [1d, 3d, 14d]
"""

# Every level owns work, and epics, features and stories flow apart from each other.
LEVELLED = """\
version: 1
portfolio:
  owns: [{source: jira/acme, project: PORT}, {item_type: Epic}]
organisation:
  - value_stream: Payments
    owns: [{project: PAY, item_type: Epic}]
    arts:
      - art: Checkout
        owns: [{project: [PAY, CHK]}, {labels: train, item_type: Feature}]
        teams:
          - {team: Cards, owns: [{project: PAY, component: cards}]}
          - team: Wallets
      - art: Billing
        teams: [{team: Invoices}]
  - value_stream: Lending
    owns: [{project: LOAN}]
    arts:
      - art: Loans
        owns: [{project: LOAN, item_type: Feature}]
        teams: [{team: Loans}]
workflows:
  - name: all
    states: {new: [To Do], active: [Doing, Review], waiting: [Ready], done: [Done, Closed], cancelled: [Dropped]}
item_types:
  story: [Story]
  feature: [Feature]
  epic: [Epic]
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: Epic}}
  - {backlog: features, home: art, holds: {item_type: Feature}}
  - {backlog: stories, home: team}
windows: [1d, 7d]
"""

# What may be added to each configuration. Some backlogs together hold not every item, some leave the lower levels
# without one of their own, two are at home at one level; and nodes above the teams own work.
SPLITS: list[tuple[str, list[Json]]] = [
    (
        PLAIN,
        [
            {},
            {
                "portfolio": {"owns": [{"item_type": "Defect"}]},
                "backlogs": [
                    {"backlog": "bugs", "home": "art", "holds": {"item_type": ["Bug", "Defect"]}},
                    {"backlog": "rest", "home": "team"},
                ],
            },
            {
                "backlogs": [
                    {"backlog": "big", "home": "portfolio", "holds": {"points": [5, 8]}},
                    {"backlog": "red", "home": "value_stream", "holds": {"team": "Red"}},
                ],
            },
        ],
    ),
    (
        RICH,
        [
            {},
            {
                "portfolio": {"owns": [{"item_type": "Incident"}, {"project": "PAY"}]},
                "backlogs": [
                    {"backlog": "bugs", "home": "team", "holds": {"item_type": "Bug"}},
                    {"backlog": "features", "home": "art", "holds": {"item_type": "Feature"}},
                    {"backlog": "work", "home": "team", "holds": {"project": ["PAY", "LOAN", "BILL"]}},
                ],
            },
            {
                "backlogs": [
                    {"backlog": "cards", "home": "value_stream", "holds": {"labels": "cards"}},
                    {"backlog": "rest", "home": "portfolio"},
                ],
            },
        ],
    ),
    (
        SCALARS,
        [
            {},
            {
                "portfolio": {"owns": [{"source": "hub"}]},
                "backlogs": [
                    {"backlog": "escalated", "home": "value_stream", "holds": {"escalated": True}},
                    {"backlog": "hub", "home": "team", "holds": {"source": "hub"}},
                ],
            },
        ],
    ),
    (
        LEVELLED,
        [
            {},
            {},
            {},
            {
                "backlogs": [
                    {"backlog": "epics", "home": "portfolio", "holds": {"item_type": "Epic"}},
                    {
                        "backlog": "features",
                        "home": "art",
                        "holds": {"item_type": "Feature", "project": ["PAY", "LOAN"]},
                    },
                    {"backlog": "more", "home": "art", "holds": {"item_type": "Feature"}},
                    {"backlog": "stories", "home": "team", "holds": {"item_type": "Story"}},
                ],
            },
        ],
    ),
]
CHOICES: list[Json] = [yaml.safe_load(text) | split for text, splits in SPLITS for split in splits]

# Increments with a gap, adjoining ones, and short ones that are soon too old.
GAP = [
    {"name": "2026.1", "start": "2026-02-20", "end": "2026-03-04"},
    {"name": "2026.2", "start": "2026-03-06", "end": "2026-03-09"},
]
ADJOINING = [
    {"name": "2026.1", "start": "2026-03-03", "end": "2026-03-05"},
    {"name": "2026.2", "start": "2026-03-06", "end": "2026-03-07"},
    {"name": "2026.3", "start": "2026-03-08", "end": "2026-03-31"},
]
SHORT = [
    {"name": "2026.1", "start": "2026-03-02", "end": "2026-03-03"},
    {"name": "2026.2", "start": "2026-03-05", "end": "2026-03-05"},
    {"name": "2026.3", "start": "2026-03-08", "end": "2026-03-08"},
]
ITERATIONS = [
    {"first": "2026-03-03", "length": "2d"},
    {"first": "2026-03-07", "length": "1d"},
    {"first": "2026-02-27", "length": "1w"},
]
# In Los Angeles and Havana, summer time begins on 8 March 2026; in Havana at midnight, which there is none of then.
TIME_ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "America/Havana"]


LEFT_OUT = ["flow_time_seconds", "flow_load_items", "flow_predictability_ratio", "flow_target_met"]


@st.composite
def configs(draw: st.DrawFn) -> Json:
    """Draw a small configuration with drawn load limits and drawn policies on a return to `new`."""
    config: Json = deepcopy(draw(st.sampled_from(CHOICES)))
    config.setdefault("portfolio", {})
    for owner, entry in [(PORTFOLIO, config["portfolio"]), *value_streams(config), *arts(config), *teams(config)]:
        limit = draw(limits(node_of(owner)[0], config))
        if limit is not None:
            entry["load_limit"] = limit
    for workflow in config["workflows"]:
        policy = draw(st.sampled_from([None, "keep", "reset"]))
        if policy is not None:
            workflow["on_return"] = policy
    config |= draw(st.one_of(calendars(config), calendars(config), st.just({})))
    return config | draw(goals(config)) | draw(exports(config))


@st.composite
def limits(draw: st.DrawFn, level: str, config: Json) -> int | Json | None:
    """Draw a load limit: none, a number for the level's home backlog, or numbers by backlog."""
    number = draw(st.sampled_from([None, 1, 2, 5]))
    if number is None or (home_of(level, config) is not None and draw(st.booleans())):
        return number
    return {draw(st.sampled_from(backlogs(config)))["backlog"]: number}


@st.composite
def calendars(draw: st.DrawFn, config: Json) -> Json:
    """Draw increments and iterations in a time zone, the windows that they give, and how long items are remembered."""
    increments = draw(st.sampled_from([GAP, ADJOINING, SHORT]))
    iterations = draw(st.sampled_from(ITERATIONS))
    drawn = {
        "time_zone": draw(st.sampled_from(TIME_ZONES)),
        "program_increments": draw(st.permutations(increments)),
        "iterations": iterations,
    }
    trailing = draw(st.sampled_from([config["windows"], config["windows"], ["3d", "1d"], []]))
    if increments is SHORT and trailing is not config["windows"] and iterations["length"] != "1w":
        drawn["retention"] = "6d"
    periods = ["pi", "previous_pi", "iteration", "previous_iteration"]
    some = draw(st.sampled_from([periods, periods[:2], periods[1:3], periods[3:]]))
    return drawn | {"windows": [*some[:1], *trailing, *some[1:]]}


@st.composite
def exports(draw: st.DrawFn, config: Json) -> Json:
    """Draw what /metrics exports, which is everything in most cases."""
    if not draw(st.sampled_from([False, False, False, True])):
        return {}
    export: Json = {"leave_out": draw(st.sampled_from([[], ["flow_state_seconds"], LEFT_OUT]))}
    some = config["windows"][: draw(st.integers(0, 2))]
    return {"export": export | ({"windows": some} if some else {})}


@st.composite
def goals(draw: st.DrawFn, config: Json) -> Json:
    """Draw targets, or none."""
    if draw(st.sampled_from([True, False, False])):
        return {}
    drawn = draw(st.lists(targets(config), max_size=5))
    return {"targets": [{"name": f"t{number}"} | target for number, target in enumerate(drawn)]}


@st.composite
def targets(draw: st.DrawFn, config: Json) -> Json:
    """Draw a target without its name: any metric of any node that shows a backlog, with one bound or both."""
    metric = draw(st.sampled_from(list(BOUNDS)))
    nodes = [node for node in named_nodes(config) if metric == "predictability" or shown_at(node["level"], config)]
    target: Json = draw(st.sampled_from(nodes)) | {"metric": metric}
    if metric != "predictability" and draw(st.booleans()):
        target["backlog"] = draw(st.sampled_from(shown_at(target["level"], config)))
    if metric not in ("load", "predictability"):
        target["window"] = draw(st.sampled_from(config["windows"]))
    if metric == "flow_time":
        target["quantile"] = draw(st.sampled_from([0.5, 0.85, 0.3]))
    if metric == "distribution":
        target["item_type"] = draw(st.sampled_from([*(config.get("item_types") or {}), "other"]))
    low, high = draw(st.sampled_from(BOUNDS[metric]))
    bounds: Json = draw(st.sampled_from([{"at_least": low}, {"at_most": high}, {"at_least": low, "at_most": high}]))
    return target | bounds


def named_nodes(config: Json) -> list[Json]:
    """Name each node, as a target does."""
    found = []
    for owner in [PORTFOLIO, *(owner for owner, _ in [*value_streams(config), *arts(config), *teams(config)])]:
        named = dict(zip(("value_stream", "art", "team"), owner, strict=True))
        found.append({"level": node_of(owner)[0]} | {key: name for key, name in named.items() if name})
    return found


def shown_at(level: str, config: Json) -> list[str]:
    """List the backlogs that all nodes of a level show."""
    return [entry["backlog"] for entry in backlogs(config) if always_shows(level, entry)]
