"""Hypothesis strategies: small configurations, and histories that meet every awkward case."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.oracle.lives import place_of
from tests.oracle.rules import Json, texts

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(hours=12)
STEPS = 16
JITTERS = [timedelta(), timedelta(), timedelta(), timedelta(microseconds=1), timedelta(seconds=90.25)]
ZONES: list[timezone] = [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-7))]
ITEMS = ["10042", "7", "10043", "A-1", "x y", "\u00e9"]

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


@st.composite
def configs(draw: st.DrawFn) -> Json:
    """Draw a small configuration with drawn load limits and drawn policies on a return to `new`."""
    config: Json = deepcopy(yaml.safe_load(draw(st.sampled_from([PLAIN, RICH, SCALARS]))))
    arts = [art for stream in config["organisation"] for art in stream["arts"]]
    teams = [team for art in arts for team in art["teams"]]
    for node in [*config["organisation"], *arts, *teams]:
        limit = draw(st.sampled_from([None, 1, 2, 5]))
        if limit is not None:
            node["load_limit"] = limit
    for workflow in config["workflows"]:
        policy = draw(st.sampled_from([None, "keep", "reset"]))
        if policy is not None:
            workflow["on_return"] = policy
    return config


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Draw an instant: rather often late, but also before, between and exactly at events."""
    earliest = draw(st.sampled_from([-1, STEPS // 2]))
    step = draw(st.integers(earliest, STEPS + 4))
    return BEGIN + step * STEP + draw(st.sampled_from([*JITTERS, -timedelta(microseconds=1)]))


@st.composite
def event_lists(draw: st.DrawFn, config: Json) -> list[Json]:
    """Draw the events of one to six items, in no order, some of them several times."""
    items = draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=len(ITEMS), unique=True))
    drafts: list[Json] = []
    for item in items:
        drafts += draw(st.lists(drafted(config, item), min_size=1, max_size=14))
    # Ids do not follow the order of the list, since they settle what time and sequence leave open.
    letters = draw(st.lists(st.sampled_from("ba"), min_size=len(drafts), max_size=len(drafts)))
    for number, (letter, event) in enumerate(zip(letters, drafts, strict=True)):
        event["id"] = f"{letter}{number}"
    for number in draw(st.lists(st.integers(0, len(drafts) - 1), max_size=4)):
        drafts.append(draw(repeated(drafts[number], config)))
    return draw(st.permutations(drafts))


@st.composite
def repeated(draw: st.DrawFn, event: Json, config: Json) -> Json:
    """Draw a second copy of an event: the same, or one that its source sent with other contents.

    Copies that differ are told apart by time or sequence, as the contract's order needs it.
    """
    if draw(st.booleans()) or "item" not in event["data"]:
        return deepcopy(event)
    other = draw(drafted(config, event["data"]["item"]))
    if place_of(event)[:2] == place_of(other | {"id": ""})[:2] or "item" not in other["data"]:
        return deepcopy(event)
    return other | {"id": event["id"], "source": event["source"]}


def drafted(config: Json, item: str) -> st.SearchStrategy[Json]:
    """Draw an event of the item that has all but its id; most are changes."""
    fields = vocabulary(config)
    sources = [*fields.pop("source", []), "tracker/b"]
    named = st.just({"item": item})
    changed = envelope("flow.item.changed", sources, changes(fields, config, item))
    deleted = envelope("flow.item.deleted", sources, named)
    erased = envelope("flow.item.erased", sources, named)
    objective = envelope("flow.objective.changed", sources, objectives())
    kinds = [changed] * 90 + [deleted] * 6 + [objective] * 3 + [erased]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


def envelope(kind: str, sources: list[str], data: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Draw an envelope of one type, without its id."""

    def build(source: str, time: str, sequence: str | None, data: Json) -> Json:
        event = {"specversion": "1.0", "source": source, "type": kind, "time": time, "data": dict(data)}
        return event if sequence is None else event | {"sequence": sequence}

    sequences = st.sampled_from([None, "000000000001", "000000000002", "000000000010"])
    return st.builds(build, st.sampled_from(sources), times(), sequences, data)


def times() -> st.SearchStrategy[str]:
    """Draw one of few instants, so that many events share theirs, written in one of several zones."""

    def write(step: int, jitter: timedelta, zone: timezone) -> str:
        return (BEGIN + step * STEP + jitter).astimezone(zone).isoformat().replace("+00:00", "Z")

    return st.builds(write, st.integers(0, STEPS), st.sampled_from(JITTERS), st.sampled_from(ZONES))


def changes(fields: dict[str, list[Any]], config: Json, item: str) -> st.SearchStrategy[Json]:
    """Draw the data of a change: a state, up to three further fields, or both."""
    state = st.sampled_from(states(config))
    choices: dict[str, st.SearchStrategy[Any]] = {
        "state": state,
        "previous_state": state,
        "team": st.sampled_from([*team_names(config), "Nobody", None]),
        "item_type": st.sampled_from([*tracker_types(config), "Riddle", None]),
        "blocked": st.sampled_from([True, "true", False, "false", None]),
    }
    for field, values in fields.items():
        choices.setdefault(field, attribute([*values, "elsewhere"]))
    further = st.lists(
        st.one_of(*[st.tuples(st.just(field), values) for field, values in choices.items()]), max_size=3
    ).map(dict)
    named = st.fixed_dictionaries({"item": st.just(item), "state": state})
    handed = st.fixed_dictionaries({"item": st.just(item), "state": state, "team": st.sampled_from(team_names(config))})
    moved = st.one_of(named, handed)
    altered = further.map(lambda data: data | {"item": item})
    both = st.builds(lambda first, second: second | first, moved, further)
    return st.one_of(moved, both, altered)


def attribute(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw a value that rules may ask for: a scalar, a list of some, or null, which clears it."""
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), unique=True, max_size=2), st.none())


def objectives() -> st.SearchStrategy[Json]:
    """Draw the data of a PI objective, which no number of items may notice."""
    return st.fixed_dictionaries(
        {"objective": st.just("o-1"), "pi": st.just("2026.1"), "committed": st.booleans()},
        optional={"planned_value": st.integers(1, 10), "actual_value": st.integers(0, 10)},
    )


def vocabulary(config: Json) -> dict[str, list[Any]]:
    """Collect the fields and values that ownership and workflow rules ask for."""
    rules = [workflow.get("applies_to") or {} for workflow in config["workflows"]]
    for stream in config["organisation"]:
        for art in stream["arts"]:
            rules += [rule for team in art["teams"] for rule in team.get("owns") or []]
    found: dict[str, list[Any]] = {}
    for rule in rules:
        for field, wanted in rule.items():
            found.setdefault(field, []).extend(wanted if isinstance(wanted, list) else [wanted])
    return found


def states(config: Json) -> list[str]:
    """List each workflow state once, and one that no workflow names."""
    found = [name for w in config["workflows"] for names in w["states"].values() for name in texts(names)]
    return [*dict.fromkeys(found), "Limbo"]


def team_names(config: Json) -> list[str]:
    """List the names of the configured teams."""
    return [t["team"] for stream in config["organisation"] for art in stream["arts"] for t in art["teams"]]


def tracker_types(config: Json) -> list[str]:
    """List the tracker's types that the configuration knows, and those its rules ask for."""
    found = [name for names in (config.get("item_types") or {}).values() for name in texts(names)]
    return [*found, *vocabulary(config).get("item_type", [])]
