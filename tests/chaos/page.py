"""Errors of a `/metrics` page: numbers outside the ledger's bounds, or numbers that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import isclose

from tests.chaos.ledger import Bounds
from tests.chaos.organisation import DOING, DONE, STATES, TEAMS, WINDOW
from tests.oracle.series import Series

Gauges = Mapping[Series, float]


def mistakes(gauges: Gauges, bounds: Bounds) -> list[str]:
    """List the numbers of a page that cannot be true. Teams that it does not show are ignored."""
    loads: dict[str, float] = {}
    found: list[str] = []
    for team in TEAMS:
        if _sum(gauges, "flow_load_limit_items", level="team", team=team):
            loads[team] = _sum(gauges, "flow_load_items", team=team)
            found += _of_team(gauges, team, loads[team], bounds)
    return [*found, *_of_levels(gauges, loads)]


def _of_team(gauges: Gauges, team: str, load: float, bounds: Bounds) -> Iterator[str]:
    counts = [_sum(gauges, "flow_state_items", team=team, state=state) for state in STATES]
    everything = _sum(gauges, "flow_state_items", team=team)
    if sum(counts) != everything:
        yield f"{team}: {everything - sum(counts):.0f} items are in states that do not exist"
    at_least = list(accumulate(reversed(counts)))[::-1]
    for rank, (least, shown, most) in enumerate(zip(bounds.least[team], at_least, bounds.most[team], strict=True)):
        if not least <= shown <= most:
            yield f"{team}: {shown:.0f} items are at least {STATES[rank]}, must be {least} to {most}"
    if load != counts[DOING]:
        yield f"{team}: load is {load:.0f} beside {counts[DOING]:.0f} items in {STATES[DOING]}"
    velocity = _sum(gauges, "flow_velocity_items", team=team, window=WINDOW)
    if velocity != counts[DONE]:
        yield f"{team}: velocity is {velocity:.0f} beside {counts[DONE]:.0f} items in {STATES[DONE]}"


def _of_levels(gauges: Gauges, loads: Mapping[str, float]) -> Iterator[str]:
    """Compare the load of each ART and value stream with that of its teams."""
    for place, level in ((0, "value_stream"), (1, "art")):
        for name in sorted({path[place] for path in TEAMS.values()}):
            limit = _sum(gauges, "flow_load_limit_items", level=level, **{level: name})
            if limit:
                shown = limit * _sum(gauges, "flow_load_ratio", level=level, **{level: name})
                teams = [team for team, path in TEAMS.items() if path[place] == name]
                summed = sum(loads.get(team, 0.0) for team in teams)
                if not isclose(shown, summed, abs_tol=1e-6):
                    yield f"{name}: load is {shown:.2f}, that of its teams {summed:.0f}"


def _sum(gauges: Gauges, metric: str, **labels: str) -> float:
    """Sum the series of a metric that have these labels; 0 if there are none."""
    wanted = set(labels.items())
    return sum(value for (name, has), value in gauges.items() if name == metric and wanted <= has)
