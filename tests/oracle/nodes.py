"""Every number of `replay --json`, by listing the lives each number is about and counting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle.lives import Life, Moment, lives
from tests.oracle.rules import UNASSIGNED, Json, Owner, teams

Node = tuple[str, str, str, str]
PERCENTILES = {"p50": Fraction(50, 100), "p85": Fraction(85, 100), "p95": Fraction(95, 100)}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DEFAULT_WINDOWS = ["1d", "7d", "14d", "30d", "90d"]


def numbers(events: Iterable[Json], config: Json, at: datetime) -> Json:
    """Compute the object that `flowgauge replay --json --at AT` prints for these events."""
    everyone = lives(events, config, at)
    limits = limits_of(config)
    if any(UNASSIGNED in places(life) for life in everyone):
        limits |= dict.fromkeys(levels(UNASSIGNED))
    return {
        "at": at.isoformat(),
        "nodes": [node_numbers(node, limit, everyone, config, at) for node, limit in limits.items()],
    }


def levels(owner: Owner) -> list[Node]:
    """List the value stream, the ART and the team that an owner stands for."""
    stream, art, team = owner
    return [("value_stream", stream, "", ""), ("art", stream, art, ""), ("team", stream, art, team)]


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
    """Tell whether the item stood in the node at that moment."""
    return node[0] == "portfolio" or node in levels(moment.owner)


def node_numbers(node: Node, limit: int | None, everyone: list[Life], config: Json, at: datetime) -> Json:
    """Compute one node's numbers."""
    level, stream, art, team = node
    load = [life for life in everyone if life.in_load and inside(node, life.now)]
    windows = config.get("windows") or DEFAULT_WINDOWS
    return {
        "level": level,
        "value_stream": stream,
        "art": art,
        "team": team,
        "load": {
            "items": len(load),
            "by_type": dict(Counter(life.now.item_type for life in load)),
            "by_state": dict(Counter(life.now.state for life in load)),
            "blocked": len([life for life in load if life.now.blocked]),
            "limit": limit,
        },
        "age": statistic([at - life.start.time for life in load if life.start is not None]),
        "windows": {window: window_numbers(node, window, everyone, at) for window in windows},
    }


def window_numbers(node: Node, window: str, everyone: list[Life], at: datetime) -> Json:
    """Compute what one node started and finished in the window that ends at the instant."""
    begin = at - length(window)
    arrived = [life for life in everyone if within(life.start, begin, node)]
    finished = [life for life in everyone if within(life.finish, begin, node)]
    timed = [life for life in finished if life.start is not None]
    stays = [stay for life in timed for stay in life.stays]
    types = Counter(life.finish.item_type for life in finished if life.finish is not None)
    flow_times = [life.flow_time for life in timed if life.flow_time is not None]
    elapsed = seconds(flow_times)
    active = seconds([lasted for m, lasted in stays if m.flow_state == "active" and not m.blocked])
    states = {moment.state for moment, _ in stays if moment.state is not None}
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
        "state_seconds": {name: seconds([d for m, d in stays if m.state == name]) for name in states},
    }


def within(moment: Moment | None, begin: datetime, node: Node) -> bool:
    """Tell whether a start or finish exists, lies after `begin`, and lies in the node."""
    return moment is not None and moment.time > begin and inside(node, moment)


def length(window: str) -> timedelta:
    """Read a window such as `7d`."""
    return timedelta(**{UNITS[window[-1]]: int(window[:-1])})


def seconds(durations: list[timedelta]) -> float:
    """Sum up durations without rounding, in seconds."""
    return sum(durations, timedelta()) / timedelta(seconds=1)


def statistic(durations: list[timedelta]) -> dict[str, Any]:
    """Describe durations, in seconds; the statistics of none are None."""
    if not durations:
        return {"count": 0, "mean": None, "p50": None, "p85": None, "p95": None, "max": None}
    mean = seconds(durations) / len(durations)
    ranked = {name: percentile(durations, share) for name, share in PERCENTILES.items()}
    return {"count": len(durations), "mean": mean, **ranked, "max": seconds([max(durations)])}


def percentile(durations: list[timedelta], share: Fraction) -> float:
    """Interpolate linearly between the two closest ranks, first and last included."""
    in_order = sorted(durations)
    rank = share * (len(in_order) - 1)
    below = in_order[int(rank)]
    above = in_order[min(int(rank) + 1, len(in_order) - 1)]
    return seconds([below]) + float(rank - int(rank)) * seconds([above - below])
