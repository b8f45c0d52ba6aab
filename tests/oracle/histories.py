"""Hypothesis strategies: small configurations, and histories that meet every awkward case."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.oracle.lives import place_of
from tests.oracle.rules import Json, levels, teams, texts

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(hours=12)
STEPS = 16
# The last two are midnights of the time zones that configurations are drawn with.
OFFSETS = [timedelta(), -timedelta(microseconds=1), -timedelta(hours=1), timedelta(hours=8)]
JITTERS = [timedelta(), timedelta(), timedelta(), timedelta(microseconds=1), timedelta(seconds=90.25)]
ZONES: list[timezone] = [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-7))]
ITEMS = ["10042", "7", "10043", "A-1", "x y", "\u00e9"]
# Objectives may be numbered like items.
OBJECTIVES = ["o-1", "10042", "o-2", "7", "o-3"]
PROGRAM_INCREMENTS = [
    {"name": "2026.1", "start": "2026-02-20", "end": "2026-03-04"},
    {"name": "2026.2", "start": "2026-03-06", "end": "2026-03-09"},
]

# Bounds that a small history comes to lie below, at and above.
BOUNDS: dict[str, list[tuple[Any, Any]]] = {
    "flow_time": [("12h", "1d"), ("24h", "3d"), ("2d", "2d")],
    "velocity": [(1, 2), (0, 0), (2, 3)],
    "efficiency": [(0.5, 0.5), (0.3, 0.9), (0, 1)],
    "distribution": [(0.5, 0.5), (0.1, 0.7), (1, 1)],
    "load": [(1, 1), (0, 2), (2, 3)],
    "predictability": [(0.8, 1), (1, 1), (0.5, 1.25)],
}

# Ways through flow states that single changes, drawn one by one, rarely make: from progress back to new.
WAYS = [
    ["active", "new"],
    ["new", "waiting", "new"],
    ["active", "waiting", "new", "new"],
    ["waiting", "new", "active"],
    ["active", "new", "done"],
    ["active", "done", "new", "waiting", "done"],
]

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
    return config | draw(goals(config))


@st.composite
def goals(draw: st.DrawFn, config: Json) -> Json:
    """Draw the parts of a configuration that goals need, or none of them."""
    if draw(st.sampled_from([True, False, False])):
        return {}
    drawn = draw(st.lists(targets(config), max_size=5))
    return {
        "time_zone": draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"])),
        "program_increments": draw(st.permutations(PROGRAM_INCREMENTS)),
        "targets": [{"name": f"t{number}"} | target for number, target in enumerate(drawn)],
    }


@st.composite
def targets(draw: st.DrawFn, config: Json) -> Json:
    """Draw a target without its name: any metric of any node, with one bound or both."""
    metric = draw(st.sampled_from(list(BOUNDS)))
    node = st.one_of(st.just({"level": "portfolio"}), st.sampled_from(named_nodes(config)))
    target: Json = draw(node) | {"metric": metric}
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
    """Name each node below the portfolio, as a target does."""
    found = []
    for owner, _ in teams(config):
        for level, *names in levels(owner):
            named = dict(zip(("value_stream", "art", "team"), names, strict=True))
            found.append({"level": level} | {key: name for key, name in named.items() if name})
    return found


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Draw an instant: rather often late, but also before, between and exactly at events."""
    earliest = draw(st.sampled_from([-1, STEPS // 2]))
    step = draw(st.integers(earliest, STEPS + 4))
    return BEGIN + step * STEP + draw(st.sampled_from([*JITTERS, *OFFSETS]))


@st.composite
def event_lists(draw: st.DrawFn, config: Json) -> list[Json]:
    """Draw the events of one to six items and of some objectives, in no order, some of them several times."""
    items = draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=len(ITEMS), unique=True))
    drafts: list[Json] = []
    for item in items:
        singly = st.lists(drafted(config, item), min_size=1, max_size=14)
        drafts += draw(st.one_of(singly, singly, walks(config, item)))
    for objective in draw(st.lists(st.sampled_from(OBJECTIVES), max_size=4, unique=True)):
        drafts += draw(st.lists(aimed(config, objective), min_size=1, max_size=6))
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

    Copies that differ have another time or sequence, as the contract's order needs it.
    """
    if draw(st.booleans()):
        return deepcopy(event)
    data = event["data"]
    other = draw(aimed(config, data["objective"]) if "objective" in data else drafted(config, data["item"]))
    if place_of(event)[:2] == place_of(other | {"id": ""})[:2]:
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
    kinds = [changed] * 93 + [deleted] * 6 + [erased]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


@st.composite
def walks(draw: st.DrawFn, config: Json, item: str) -> list[Json]:
    """Draw changes that lead the item back to `new`, step after step, and up to three events of any kind."""
    workflow = draw(st.sampled_from(config["workflows"]))
    fields = {field: texts(wanted)[0] for field, wanted in (workflow.get("applies_to") or {}).items()}
    source = fields.pop("source", "tracker/b")
    fields["team"] = draw(st.sampled_from(team_names(config)))
    way = draw(st.sampled_from(WAYS))
    first = draw(st.integers(0, STEPS - len(way)))
    drafts = [
        {
            "specversion": "1.0",
            "source": source,
            "type": "flow.item.changed",
            "time": (BEGIN + step * STEP).isoformat(),
            "data": {"item": item, "state": draw(st.sampled_from(texts(workflow["states"][flow_state]))), **fields},
        }
        for step, flow_state in enumerate(way, first)
    ]
    return drafts + draw(st.lists(drafted(config, item), max_size=3))


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
    state = st.one_of(st.sampled_from(states(config)), st.sampled_from(states(config, "active", "done")))
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
    held = st.fixed_dictionaries({"item": st.just(item), "blocked": st.sampled_from([True, True, False])})
    moved = st.one_of(named, handed, held)
    altered = further.map(lambda data: data | {"item": item})
    both = st.builds(lambda first, second: second | first, moved, further)
    return st.one_of(moved, both, altered)


def attribute(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw a value that rules may ask for: a scalar, a list of some, or null, which clears it."""
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), unique=True, max_size=2), st.none())


def aimed(config: Json, objective: str) -> st.SearchStrategy[Json]:
    """Draw a change of the objective that has all but its id."""
    owners = [owner for owner, _ in teams(config)]
    pi = st.sampled_from(["2026.1", "2026.2", "2026.2", "2026.2", "2026.2", "2025.9", None])
    amount = st.sampled_from([0, 1, 3, 5, 8, 10, 0.1, 0.2, 0.3, 2.5, 7.25, None])
    data: st.SearchStrategy[Json] = st.fixed_dictionaries(
        {"objective": st.just(objective)},
        optional={
            "pi": pi,
            "team": st.sampled_from([*team_names(config), "Nobody", None]),
            "art": st.sampled_from([*dict.fromkeys(art for _, art, _ in owners), "elsewhere", None]),
            "value_stream": st.sampled_from([*dict.fromkeys(stream for stream, _, _ in owners), "elsewhere", None]),
            "committed": st.sampled_from([True, False, None]),
            "planned_value": amount,
            "actual_value": amount,
        },
    )
    placed = st.fixed_dictionaries({"pi": pi, "team": st.sampled_from(team_names(config)), "planned_value": amount})
    planned = st.builds(lambda named, plan: {"objective": named} | plan, st.just(objective), placed)
    return envelope("flow.objective.changed", ["planning", "tracker/b"], st.one_of(planned, planned, data))


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


def states(config: Json, *flow_states: str) -> list[str]:
    """List the workflow states of these flow states; of all, and one that no workflow names, where none is given."""
    pairs = [pair for workflow in config["workflows"] for pair in workflow["states"].items()]
    found = [
        name for flow_state, names in pairs if flow_state in flow_states or not flow_states for name in texts(names)
    ]
    return [*dict.fromkeys(found), *([] if flow_states else ["Limbo"])]


def team_names(config: Json) -> list[str]:
    """List the names of the configured teams."""
    return [t["team"] for stream in config["organisation"] for art in stream["arts"] for t in art["teams"]]


def tracker_types(config: Json) -> list[str]:
    """List the tracker's types that the configuration knows, and those its rules ask for."""
    found = [name for names in (config.get("item_types") or {}).values() for name in texts(names)]
    return [*found, *vocabulary(config).get("item_type", [])]
