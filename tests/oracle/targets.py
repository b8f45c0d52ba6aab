"""What the targets of flow.yaml come to, from the numbers of the node that they are about."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle.backlogs import goals_home_of, home_of
from tests.oracle.objectives import Objective
from tests.oracle.periods import day, local_day
from tests.oracle.rules import Json, Node, belongs
from tests.oracle.statistics import exact, length, percentile

LEVELS = ("level", "value_stream", "art", "team")


def measured(
    place: tuple[Node, str],
    shown: Json,
    flow_times: dict[str, list[timedelta]],
    aims: list[Objective],
    config: Json,
    at: datetime,
) -> list[Json]:
    """Measure the targets of a node in a backlog, in the order of the file, by its other numbers."""
    node, backlog = place
    own = [aim for aim in aims if belongs(aim.owner, node)]
    return [
        outcome(target, amount_of(target, shown, flow_times, own, config, at))
        for target in config.get("targets") or []
        if names(target, node) and is_about(target, backlog, config)
    ]


def names(target: Json, node: Node) -> bool:
    """Tell whether the target is about the node: it may leave out the names above the node's own."""
    return target["level"] == node[0] and all(
        target.get(level) in (None, name) for level, name in zip(LEVELS, node, strict=True)
    )


def is_about(target: Json, backlog: str, config: Json) -> bool:
    """Tell whether the target is about the backlog: its level's home unless it says otherwise."""
    if target["metric"] == "predictability":
        return goals_home_of(target["level"], config) == backlog
    return (target.get("backlog") or home_of(target["level"], config)) == backlog


def outcome(target: Json, amount: Fraction | None) -> Json:
    """Hold an amount against the bounds, which are themselves allowed."""
    least, most = bound(target.get("at_least")), bound(target.get("at_most"))
    met = None
    if amount is not None:
        met = (least is None or amount >= least) and (most is None or amount <= most)
    return {
        "name": target["name"],
        "metric": target["metric"],
        "at_least": None if least is None else float(least),
        "at_most": None if most is None else float(most),
        "actual": None if amount is None else float(amount),
        "met": met,
    }


def bound(written: Any) -> Fraction | None:
    """Read a bound: a duration becomes seconds."""
    if written is None:
        return None
    return exact(length(written)) if isinstance(written, str) else Fraction(str(written))


def amount_of(
    target: Json,
    shown: Json,
    flow_times: dict[str, list[timedelta]],
    aims: list[Objective],
    config: Json,
    at: datetime,
) -> Fraction | None:
    """Measure a target; None where there is nothing to measure."""
    metric, window = target["metric"], str(target.get("window"))
    if metric == "load":
        return Fraction(shown["load"]["items"])
    if metric == "predictability":
        return of_increment(aims, config, at)
    return of_window(target, shown["windows"][window], flow_times[window]) if window in flow_times else None


def of_window(target: Json, over: Json, durations: list[timedelta]) -> Fraction | None:
    """Measure a target over its window."""
    metric = target["metric"]
    if metric == "velocity":
        return Fraction(over["velocity"])
    if metric == "distribution":
        done = over["velocity_by_type"].get(target["item_type"], 0)
        return Fraction(done, over["velocity"]) if over["velocity"] else None
    if metric == "efficiency":
        elapsed = Fraction(str(over["elapsed_seconds"]))
        return Fraction(str(over["active_seconds"])) / elapsed if elapsed else None
    return percentile(durations, Fraction(str(target["quantile"]))) if durations else None


def of_increment(aims: list[Objective], config: Json, at: datetime) -> Fraction | None:
    """Relate what is projected for the running increment, else what the last one achieved, to what was planned."""
    today = local_day(at, config)
    increments = config.get("program_increments") or []
    running = [each for each in increments if day(each["start"]) <= today <= day(each["end"])]
    ended = sorted((each for each in increments if day(each["end"]) < today), key=lambda each: day(each["end"]))
    if not running and not ended:
        return None
    own = [aim for aim in aims if aim.pi == (running or ended[-1:])[0]["name"]]
    planned = sum((aim.planned for aim in own), Fraction(0))
    reached = sum((aim.projected if running else aim.actual for aim in own), Fraction(0))
    return reached / planned if planned else None
