"""Every number of `replay --json`, by listing the lives each number is about and counting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from tests.oracle.lives import Life, Moment, lives
from tests.oracle.objectives import Objective, objectives, predictability, unmapped_objectives
from tests.oracle.rules import UNASSIGNED, Json, Node, Owner, belongs, levels, teams
from tests.oracle.statistics import exact, length, percentile, seconds, statistic
from tests.oracle.targets import measured

DEFAULT_WINDOWS = ["1d", "7d", "14d", "30d", "90d"]


def numbers(events: Iterable[Json], config: Json, at: datetime) -> Json:
    """Compute the object that `flowgauge replay --json --at AT` prints for these events."""
    known = list(events)
    everyone, aims = lives(known, config, at), objectives(known, config, at)
    limits = limits_of(config)
    if any(UNASSIGNED in places(life) for life in everyone) or any(aim.owner == UNASSIGNED for aim in aims):
        limits |= dict.fromkeys(levels(UNASSIGNED))
    return {
        "at": at.isoformat(),
        "nodes": [node_numbers(node, limit, everyone, aims, config, at) for node, limit in limits.items()],
    }


def limits_of(config: Json) -> dict[Node, int | None]:
    """Give the load limit, or None, of the portfolio and of each configured node."""
    limits: dict[Node, int | None] = {("portfolio", "", "", ""): None}
    for stream in config["organisation"]:
        stream_name = stream["value_stream"]
        limits["value_stream", stream_name, "", ""] = stream.get("load_limit")
        for art in stream.get("arts") or []:
            limits["art", stream_name, art["art"], ""] = art.get("load_limit")
    for owner, team in teams(config):
        limits[levels(owner)[2]] = team.get("load_limit")
    return limits


def places(life: Life) -> set[Owner]:
    """Name the owners under which the life counts, whatever the window."""
    found = {moment.owner for moment in (life.start, life.finish) if moment is not None}
    if life.now.state is not None and not life.now.deleted:
        found.add(life.now.owner)
    return found


def inside(node: Node, moment: Moment) -> bool:
    """Tell whether the item was in the node at that moment."""
    return belongs(moment.owner, node)


def node_numbers(
    node: Node, limit: int | None, everyone: list[Life], aims: list[Objective], config: Json, at: datetime
) -> Json:
    """Compute one node's numbers."""
    load = [life for life in everyone if life.in_load and inside(node, life.now)]
    windows = config.get("windows") or DEFAULT_WINDOWS
    found: Json = dict(zip(("level", "value_stream", "art", "team"), node, strict=True))
    found |= {
        "load": {
            "items": len(load),
            "by_type": dict(Counter(life.now.item_type for life in load)),
            "by_state": dict(Counter(life.now.state for life in load)),
            "blocked": len([life for life in load if life.now.blocked]),
            "limit": limit,
        },
        "age": statistic([at - life.start.time for life in load if life.start is not None]),
        "ageing": ageing(load, finished_in(node, max(windows, key=length), everyone, at), at),
        "blocked_age_max": max(
            (seconds([life.blocked_for]) for life in load if life.blocked_for is not None), default=None
        ),
        "unmapped": unmapped(node, everyone),
        "unmapped_objectives": unmapped_objectives(node, aims, config),
        "predictability": predictability(node, aims, config),
        "windows": {window: window_numbers(node, window, everyone, at) for window in windows},
    }
    flow_times = {
        window: [life.flow_time for life in finished_in(node, window, everyone, at) if life.flow_time is not None]
        for window in windows
    }
    return found | {"targets": measured(node, found, flow_times, aims, config, at)}


def ageing(load: list[Life], finished: list[Life], at: datetime) -> int | None:
    """Count what is in progress for longer than 85 % of what was finished took; None where nothing was measured."""
    flow_times = [life.flow_time for life in finished if life.flow_time is not None]
    if not flow_times:
        return None
    line = percentile(flow_times, Fraction(85, 100))
    return len([life for life in load if life.start is not None and exact(at - life.start.time) > line])


def unmapped(node: Node, everyone: list[Life]) -> dict[str, dict[str, int]]:
    """Count the items that are now in a state without a meaning, by source and state."""
    found: dict[str, dict[str, int]] = {}
    for now in [life.now for life in everyone if life.now.flow_state == "unmapped" and not life.now.deleted]:
        if inside(node, now):
            states = found.setdefault(now.source, {})
            states[str(now.state)] = states.get(str(now.state), 0) + 1
    return found


def finished_in(node: Node, window: str, everyone: list[Life], at: datetime) -> list[Life]:
    """List what the node finished in the window that ends at the instant."""
    return [life for life in everyone if within(life.finish, at - length(window), node)]


def window_numbers(node: Node, window: str, everyone: list[Life], at: datetime) -> Json:
    """Compute what one node started and finished in the window that ends at the instant."""
    begin = at - length(window)
    arrived = [life for life in everyone if within(life.start, begin, node)]
    finished = finished_in(node, window, everyone, at)
    timed = [life for life in finished if life.start is not None]
    stays = [stay for life in timed for stay in life.stays]
    types = Counter(life.finish.item_type for life in finished if life.finish is not None)
    flow_times = [life.flow_time for life in timed if life.flow_time is not None]
    elapsed = seconds(flow_times)
    active = seconds([lasted for m, lasted in stays if m.flow_state == "active" and not m.blocked])
    in_states = [spent for life in timed for spent in life.time_in_state.items()]
    return {
        "arrivals": len(arrived),
        "velocity": len(finished),
        "velocity_by_type": dict(types),
        "without_start": len(finished) - len(timed),
        "flow_time": statistic(flow_times),
        "active_seconds": active,
        "elapsed_seconds": elapsed,
        "efficiency": active / elapsed if elapsed else None,
        "distribution": {name: count / len(finished) for name, count in types.items()},
        "state_seconds": {name: seconds([d for each, d in in_states if each == name]) for name, _ in in_states},
    }


def within(moment: Moment | None, begin: datetime, node: Node) -> bool:
    """Tell whether a start or finish exists, lies after `begin`, and lies in the node."""
    return moment is not None and moment.time > begin and inside(node, moment)
