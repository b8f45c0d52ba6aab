"""Every number of `replay --json`, by listing the lives each number is about and counting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from tests.oracle.backlogs import always_shows, backlogs, goals_home_of, home_of
from tests.oracle.lives import Life, Moment, lives
from tests.oracle.objectives import Objective, objectives, predictability, unmapped_objectives
from tests.oracle.periods import Window, longest_trailing, windows_at
from tests.oracle.rules import (
    PORTFOLIO,
    Json,
    Node,
    Owner,
    arts,
    belongs,
    levels,
    node_of,
    teams,
    value_streams,
)
from tests.oracle.statistics import exact, percentile, seconds, statistic
from tests.oracle.targets import measured

# A node in one backlog.
Shown = tuple[Node, str]


def numbers(events: Iterable[Json], config: Json, at: datetime) -> Json:
    """Compute the object that `flowgauge replay --json --at AT` prints for these events."""
    known = list(events)
    everyone, aims = lives(known, config, at), objectives(known, config, at)
    return {
        "at": at.isoformat(),
        "nodes": [node_numbers(shown, everyone, aims, config, at) for shown in all_shown(everyone, aims, config)],
        "unplaced": unplaced(everyone),
    }


def entries(config: Json) -> dict[Node, Json]:
    """Give the entry of the portfolio and of each configured node."""
    owners = [(PORTFOLIO, config.get("portfolio") or {}), *value_streams(config), *arts(config), *teams(config)]
    return {node_of(owner): entry for owner, entry in owners}


def all_shown(everyone: list[Life], aims: list[Objective], config: Json) -> list[Shown]:
    """List the nodes and backlogs with numbers: those that are always there, and those in which something counts."""
    found = [
        (node, str(entry["backlog"]))
        for node in entries(config)
        for entry in backlogs(config)
        if always_shows(node[0], entry)
    ]
    for owner, backlog in sorted(place for life in everyone for place in places(life)):
        found += [(node, backlog) for node in levels(owner)]
    for aim in aims:
        found += [(node, goals_home_of(node[0], config)) for node in levels(aim.owner)]
    return list(dict.fromkeys(found))


def places(life: Life) -> set[tuple[Owner, str]]:
    """Name the owners and backlogs under which the life counts, whatever the window."""
    found = [moment for moment in (life.start, life.finish) if moment is not None]
    if life.now.state is not None and not life.now.deleted:
        found.append(life.now)
    return {(moment.owner, moment.backlog) for moment in found if moment.backlog is not None}


def unplaced(everyone: list[Life]) -> dict[str, dict[str, int]]:
    """Count the items that no backlog holds now, by source and type."""
    found: dict[str, dict[str, int]] = {}
    for now in [life.now for life in everyone if life.now.backlog is None and not life.now.deleted]:
        types = found.setdefault(now.source, {})
        types[now.item_type] = types.get(now.item_type, 0) + 1
    return found


def inside(shown: Shown, moment: Moment) -> bool:
    """Tell whether the item was in the node and in its backlog at that moment."""
    node, backlog = shown
    return moment.backlog == backlog and belongs(moment.owner, node)


def limit_of(shown: Shown, config: Json) -> int | None:
    """Find the load limit of a node in a backlog; a plain number is about the home backlog of its level."""
    node, backlog = shown
    limit = entries(config).get(node, {}).get("load_limit")
    if isinstance(limit, dict):
        return limit.get(backlog)
    return limit if home_of(node[0], config) == backlog else None


def node_numbers(shown: Shown, everyone: list[Life], aims: list[Objective], config: Json, at: datetime) -> Json:
    """Compute one node's numbers in one backlog."""
    node, backlog = shown
    load = load_in(shown, everyone)
    aims = aims if goals_home_of(node[0], config) == backlog else []
    windows = windows_at(config, at)
    found: Json = dict(zip(("level", "value_stream", "art", "team"), node, strict=True))
    found |= {
        "backlog": backlog,
        "load": {
            "items": len(load),
            **estimated([life.now for life in load], "points"),
            "by_type": dict(Counter(life.now.item_type for life in load)),
            "by_state": dict(Counter(life.now.state for life in load)),
            "blocked": len([life for life in load if life.now.blocked]),
            "limit": limit_of(shown, config),
        },
        "age": statistic([at - life.start.time for life in load if life.start is not None]),
        "ageing": ageing(shown, everyone, config, at),
        "blocked_age_max": max(
            (seconds([life.blocked_for]) for life in load if life.blocked_for is not None), default=None
        ),
        "unmapped": unmapped(shown, everyone),
        "unmapped_objectives": unmapped_objectives(node, aims, config),
        "predictability": predictability(node, aims, config),
        "windows": {label: window_numbers(shown, window, everyone) for label, window in windows.items()},
    }
    flow_times = {
        label: [life.flow_time for life in finished_in(shown, window, everyone) if life.flow_time is not None]
        for label, window in windows.items()
    }
    return found | {"targets": measured(shown, found, flow_times, aims, config, at)}


def load_in(shown: Shown, everyone: list[Life]) -> list[Life]:
    """List what is in progress in a node and backlog."""
    return [life for life in everyone if life.in_load and inside(shown, life.now)]


def estimated(moments: list[Moment], name: str) -> Json:
    """Sum up the points that items had at these moments, without rounding, and count those that had none."""
    points = [moment.points for moment in moments if moment.points is not None]
    return {name: float(sum(points, Fraction(0))), "unestimated": len(moments) - len(points)}


def ageing(shown: Shown, everyone: list[Life], config: Json, at: datetime) -> int | None:
    """Count what is in progress for longer than 85 % of what was finished took; None where nothing was measured."""
    longest = longest_trailing(config)
    if longest is None:
        return None
    finished = finished_in(shown, windows_at(config, at)[longest], everyone)
    flow_times = [life.flow_time for life in finished if life.flow_time is not None]
    if not flow_times:
        return None
    line = percentile(flow_times, Fraction(85, 100))
    load = load_in(shown, everyone)
    return len([life for life in load if life.start is not None and exact(at - life.start.time) > line])


def unmapped(shown: Shown, everyone: list[Life]) -> dict[str, dict[str, int]]:
    """Count the items that are now in a state without a meaning, by source and state."""
    found: dict[str, dict[str, int]] = {}
    for now in [life.now for life in everyone if life.now.flow_state == "unmapped" and not life.now.deleted]:
        if inside(shown, now):
            states = found.setdefault(now.source, {})
            states[str(now.state)] = states.get(str(now.state), 0) + 1
    return found


def finished_in(shown: Shown, window: Window, everyone: list[Life]) -> list[Life]:
    """List what the node finished in the window."""
    return [life for life in everyone if within(life.finish, window, shown)]


def window_numbers(shown: Shown, window: Window, everyone: list[Life]) -> Json:
    """Compute what one node started and finished in the window."""
    arrived = [life for life in everyone if within(life.start, window, shown)]
    finished = finished_in(shown, window, everyone)
    timed = [life for life in finished if life.start is not None]
    stays = [stay for life in timed for stay in life.stays]
    ends = [life.finish for life in finished if life.finish is not None]
    types = Counter(end.item_type for end in ends)
    flow_times = [life.flow_time for life in timed if life.flow_time is not None]
    elapsed = seconds(flow_times)
    active = seconds([lasted for m, lasted in stays if m.flow_state == "active" and not m.blocked])
    in_states = [spent for life in timed for spent in life.time_in_state.items()]
    return {
        **window.named,
        "arrivals": len(arrived),
        "velocity": len(finished),
        **estimated(ends, "velocity_points"),
        "velocity_by_type": dict(types),
        "without_start": len(finished) - len(timed),
        "flow_time": statistic(flow_times),
        "active_seconds": active,
        "elapsed_seconds": elapsed,
        "efficiency": active / elapsed if elapsed else None,
        "distribution": {name: count / len(finished) for name, count in types.items()},
        "state_seconds": {name: seconds([d for each, d in in_states if each == name]) for name, _ in in_states},
    }


def within(moment: Moment | None, window: Window, shown: Shown) -> bool:
    """Tell whether a start or finish exists, lies in the window, and lies in the node and its backlog."""
    return moment is not None and window.holds(moment.time) and inside(shown, moment)
