"""Hypothesis strategies: instants, and histories that meet every awkward case of a configuration."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.oracle.backlogs import backlogs
from tests.oracle.lives import place_of
from tests.oracle.rules import Json, arts, teams, texts, value_streams

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(hours=12)
STEPS = 16
# Midnights of the time zones that configurations are drawn with; the last two are those in summer time.
MIDNIGHTS = [timedelta(hours=hours) for hours in (-1, 5, 8, 4, 7)]
OFFSETS = [timedelta(), -timedelta(microseconds=1), *MIDNIGHTS]
JITTERS = [timedelta(), timedelta(), timedelta(), timedelta(microseconds=1), timedelta(seconds=90.25)]
ZONES: list[timezone] = [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-7))]
ITEMS = ["10042", "7", "10043", "A-1", "x y", "\u00e9"]
# Objectives may be numbered like items.
OBJECTIVES = ["o-1", "10042", "o-2", "7", "o-3"]
POINTS = [0, 1, 2, 3, 5, 8, 13, 0.1, 0.2, 2.5, 0.000001, -1, None]

# Ways through flow states that changes drawn one by one rarely make: to the end, and from progress back to new.
WAYS = [
    ["new", "active", "done"],
    ["active", "waiting", "done", "done"],
    ["waiting", "active", "done", "done", "done"],
    ["active", "active", "done", "done", "done"],
    ["waiting", "active", "active", "waiting"],
    ["active", "new"],
    ["new", "waiting", "new"],
    ["active", "waiting", "new", "new"],
    ["waiting", "new", "active"],
    ["active", "new", "done"],
    ["active", "done", "new", "waiting", "done"],
]


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
    words = words_of(config)
    for item in items:
        drafts += [about(event, item=item) for event in draw(item_drafts(words))]
    for objective in draw(st.lists(st.sampled_from(OBJECTIVES), max_size=4, unique=True)):
        drafts += [about(event, objective=objective) for event in draw(st.lists(aimed(words), min_size=1, max_size=6))]
    # Ids do not follow the order of the list, since they settle what time and sequence leave open.
    letters = draw(st.lists(st.sampled_from("ba"), min_size=len(drafts), max_size=len(drafts)))
    for number, (letter, event) in enumerate(zip(letters, drafts, strict=True)):
        event["id"] = f"{letter}{number}"
    for number in draw(st.lists(st.integers(0, len(drafts) - 1), max_size=4)):
        drafts.append(draw(repeated(drafts[number], words)))
    return draw(st.permutations(drafts))


def words_of(config: Json) -> str:
    """Write down the part of a configuration that histories depend on.

    What is built for it is kept, since hypothesis takes most of its time to build strategies.
    """
    kept = ("portfolio", "organisation", "workflows", "item_types", "backlogs")
    return json.dumps(without_policies({key: config[key] for key in kept if key in config}))


def without_policies(part: Any) -> Any:
    """Leave out load limits and policies on a return."""
    if isinstance(part, list):
        return [without_policies(each) for each in part]
    if isinstance(part, dict):
        return {key: without_policies(each) for key, each in part.items() if key not in ("load_limit", "on_return")}
    return part


def about(event: Json, **named: str) -> Json:
    """Let an event be about an item or an objective."""
    return event | {"data": named | event["data"]}


@st.composite
def repeated(draw: st.DrawFn, event: Json, words: str) -> Json:
    """Draw a second copy of an event: the same, or one that its source sent with other contents.

    Copies that differ have another time or sequence, as the contract's order needs it.
    """
    if draw(st.booleans()):
        return deepcopy(event)
    kind = "objective" if "objective" in event["data"] else "item"
    other = about(draw(aimed(words) if kind == "objective" else drafted(words)), **{kind: event["data"][kind]})
    if place_of(event)[:2] == place_of(other | {"id": ""})[:2]:
        return deepcopy(event)
    return other | {"id": event["id"], "source": event["source"]}


@cache
def item_drafts(words: str) -> st.SearchStrategy[list[Json]]:
    """Draw the events of an item: most are drawn one by one."""
    singly = st.lists(drafted(words), min_size=1, max_size=14)
    return st.one_of(singly, singly, walks(words))


@cache
def drafted(words: str) -> st.SearchStrategy[Json]:
    """Draw an event of an item that has all but its id and the item; most are changes."""
    config = json.loads(words)
    fields = vocabulary(config)
    sources = [*fields.pop("source", []), "tracker/b"]
    changed = envelope("flow.item.changed", sources, changes(fields, config))
    deleted = envelope("flow.item.deleted", sources, st.just({}))
    erased = envelope("flow.item.erased", sources, st.just({}))
    kinds = [changed] * 93 + [deleted] * 6 + [erased]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


@st.composite
def walks(draw: st.DrawFn, words: str) -> list[Json]:
    """Draw changes that lead an item through flow states, step after step, and up to three events of any kind.

    On the way, it moves between owners and backlogs, and is estimated again.
    """
    config = json.loads(words)
    workflow = draw(st.sampled_from(config["workflows"]))
    fields = {field: texts(wanted)[0] for field, wanted in (workflow.get("applies_to") or {}).items()}
    source = fields.pop("source", "tracker/b")
    fields["team"] = draw(st.sampled_from(team_names(config)))
    way = draw(st.sampled_from(WAYS))
    first = draw(st.integers(0, STEPS - len(way)))
    drafts = []
    for step, flow_state in enumerate(way, first):
        data = {"state": draw(st.sampled_from(texts(workflow["states"][flow_state]))), **fields, **draw(turned(words))}
        time = (BEGIN + step * STEP).isoformat()
        drafts.append({"specversion": "1.0", "source": source, "type": "flow.item.changed", "time": time, "data": data})
        fields = {}
    return drafts + draw(st.lists(drafted(words), max_size=3))


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

    jitters = [*JITTERS, *JITTERS, *JITTERS, *MIDNIGHTS]
    return st.builds(write, st.integers(0, STEPS), st.sampled_from(jitters), st.sampled_from(ZONES))


def changes(fields: dict[str, list[Any]], config: Json) -> st.SearchStrategy[Json]:
    """Draw the data of a change: a state, up to three further fields, or both."""
    state = st.one_of(st.sampled_from(states(config)), st.sampled_from(states(config, "active", "done")))
    choices: dict[str, st.SearchStrategy[Any]] = {
        "state": state,
        "previous_state": state,
        "team": st.sampled_from([*team_names(config), "Nobody", None]),
        "item_type": st.sampled_from([*tracker_types(config), "Riddle", None]),
        "blocked": st.sampled_from([True, "true", False, "false", None]),
        "points": st.sampled_from(POINTS),
        "parent": st.sampled_from([*ITEMS[:3], "elsewhere", None]),
    }
    for field, values in fields.items():
        choices.setdefault(field, attribute([*values, "elsewhere"]))
    further = st.lists(
        st.one_of(*[st.tuples(st.just(field), values) for field, values in choices.items()]), max_size=3
    ).map(dict)
    named = st.fixed_dictionaries({"state": state})
    handed = st.fixed_dictionaries({"state": state, "team": st.sampled_from(team_names(config))})
    held = st.fixed_dictionaries({"blocked": st.sampled_from([True, True, False])})
    turn = st.builds(lambda state, fields: {"state": state} | fields, state, turned(words_of(config)))
    moved = st.one_of(named, handed, held, turn, turn)
    both = st.builds(lambda first, second: second | first, moved, further)
    return st.one_of(moved, both, further)


@cache
def turned(words: str) -> st.SearchStrategy[Json]:
    """Draw fields by which one rule of a node or backlog comes to match, often no team by its name, and points."""

    def build(rule: Json, team: Json, points: Json) -> Json:
        fields = {field: texts(wanted)[:1] if field == "labels" else one_of(wanted) for field, wanted in rule.items()}
        return team | points | {field: wanted for field, wanted in fields.items() if field != "source"}

    config = json.loads(words)
    teams_or_none = st.sampled_from([{}, {"team": None}, {"team": None}, *({"team": t} for t in team_names(config))])
    points = st.sampled_from([{}, *({"points": amount} for amount in POINTS)])
    held = [entry["holds"] for entry in backlogs(config) if "holds" in entry]
    return st.builds(build, st.sampled_from([{}, *rules(config), *held]), teams_or_none, points)


def one_of(wanted: Any) -> Any:
    """Give the first value that a rule asks for."""
    return wanted[0] if isinstance(wanted, list) else wanted


def attribute(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw a value that rules may ask for: a scalar, a list of some, or null, which clears it."""
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), unique=True, max_size=2), st.none())


@cache
def aimed(words: str) -> st.SearchStrategy[Json]:
    """Draw a change of an objective that has all but its id and the objective."""
    config = json.loads(words)
    owners = [owner for owner, _ in teams(config)]
    pi = st.sampled_from(["2026.1", "2026.2", "2026.2", "2026.2", "2026.2", "2025.9", None])
    amount = st.sampled_from([0, 1, 3, 5, 8, 10, 0.1, 0.2, 0.3, 2.5, 7.25, None])
    data: st.SearchStrategy[Json] = st.fixed_dictionaries(
        {},
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
    planned = st.fixed_dictionaries({"pi": pi, "team": st.sampled_from(team_names(config)), "planned_value": amount})
    return envelope("flow.objective.changed", ["planning", "tracker/b"], st.one_of(planned, planned, data))


def vocabulary(config: Json) -> dict[str, list[Any]]:
    """Collect the fields and values that rules ask for."""
    found: dict[str, list[Any]] = {}
    for rule in rules(config):
        for field, wanted in rule.items():
            found.setdefault(field, []).extend(wanted if isinstance(wanted, list) else [wanted])
    return found


def rules(config: Json) -> list[Json]:
    """List the rules of ownership at every level, of workflows and of backlogs."""
    owners = [config.get("portfolio") or {}, *(entry for _, entry in [*value_streams(config), *arts(config)])]
    found = [rule for entry in [*owners, *(team for _, team in teams(config))] for rule in entry.get("owns") or []]
    found += [workflow.get("applies_to") or {} for workflow in config["workflows"]]
    return found + [entry.get("holds") or {} for entry in backlogs(config)]


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
