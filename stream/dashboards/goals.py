"""Targets with their measured values, and predictability by PI."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading
from stream.dashboards.look import cells, now, trend
from stream.dashboards.promql import OWNERS, VALUE_STREAMS, pick, total

SCOPE = VALUE_STREAMS.whole()
ABOUT = "KPI targets of all backlogs with their measured values, and the predictability of PIs."
VALUES = ("target", "Value #A", "Value #B", "Value #C")
UNITS = {
    "Flow time": (look.SECONDS, ("flow_time",)),
    "Velocity and load": (look.ITEMS, ("velocity", "load")),
    "Shares and predictability": (look.RATIO, ("efficiency", "distribution", "predictability")),
}


def goals(frame: Frame) -> dashboard.Dashboard:
    """Build the dashboard of goals."""
    return reading("goals", ABOUT, frame, ("value_stream",), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(6, panels.as_of()), *((6, tile) for tile in _tiles())])
    yield PanelRow(9, [(12, panels.verdicts("Targets", SCOPE)), (12, _history())], "Targets")
    yield PanelRow(8, [(8, _bounds(title, unit, metrics)) for title, (unit, metrics) in UNITS.items()])
    yield PanelRow(9, [(8, _ratio("value_stream", "{{value_stream}}, PI {{pi}}")), (16, _values())], "Predictability")
    yield PanelRow(9, [(12, _burn_up()), (12, _ratio("art", "{{art}}, PI {{pi}}"))])


def _tiles() -> Iterator[Panel]:
    met = pick("flow_target_met", SCOPE)
    missed = now(f"sum(1 - max by (target) ({met}))")
    yield look.tiles("Missed", "Targets that are missed now.", look.ITEMS, missed).thresholds(look.none_is_good())
    kept = now(f"sum(max by (target) ({met}))")
    yield look.tiles("Met", "Targets that are met now.", look.ITEMS, kept)
    about = "Targets that have nothing to measure yet."
    known = f"max by (target) ({pick('flow_target_value', SCOPE)})"
    blind = f"count({known} unless max by (target) ({met})) or 0 * count({known})"
    yield look.tiles("Not measured", about, look.ITEMS, now(blind))


def _history() -> Panel:
    about = "Share of the measured targets that were met at each moment."
    query = trend(f"avg(max by (target) ({pick('flow_target_met', SCOPE)}))", "targets met")
    return look.lines("Targets met over time", about, look.RATIO, query).max(1)


def _bounds(title: str, unit: str, metrics: tuple[str, ...]) -> Panel:
    about = "Measured value and bounds of each target. A dash means no such bound, or nothing to measure."
    found = (
        pick("flow_target_actual_value", SCOPE, metric=metrics),
        pick("flow_target_value", SCOPE, metric=metrics, bound="at_least"),
        pick("flow_target_value", SCOPE, metric=metrics, bound="at_most"),
    )
    # Grafana names a column after its query only if each query has an answer.
    absent = f"max by (target) ({pick('flow_target_value', SCOPE, metric=metrics)}) * NaN"
    panel = look.rows(title, about, unit, *(cells(f"max by (target) ({expr}) or {absent}") for expr in found))
    return look.columns(panel, dict(zip(VALUES, ("target", "actual", "at least", "at most"), strict=True)))


def _ratio(level: str, legend: str) -> Panel:
    about = "Business value achieved / planned, by PI. SAFe calls 80 % and more reliable."
    query = now(pick("flow_predictability_ratio", SCOPE, level=level), legend)
    panel = look.bars(f"Predictability by {level.replace('_', ' ')}", about, look.RATIO, query)
    return panel.max(1.2).thresholds(look.kept_promises())


def _values() -> Panel:
    about = (
        "Business value by PI and team. Planned: committed objectives only. Actual: all assessed objectives. "
        "Projected: actual where it is known, else planned."
    )
    names = {"pi": "PI", "value_stream": "value stream", "art": "ART", "team": "team"}
    queries = []
    for letter, kind in zip("ABC", ("planned", "actual", "projected"), strict=True):
        queries.append(cells(f"max by (pi, {OWNERS}) ({pick(f'flow_objective_{kind}_value', SCOPE)})"))
        names[f"Value #{letter}"] = kind
    return look.columns(look.rows("Business value by team", about, look.ITEMS, *queries), names)


def _burn_up() -> Panel:
    about = "Business value by PI over time: actual and projected. The dashed line is the planned value."
    queries = [
        trend(total(f"flow_objective_{kind}_value", SCOPE, by="pi"), f"{{{{pi}}}} {kind}")
        for kind in ("planned", "actual", "projected")
    ]
    return look.dashed(look.lines("Business value over time", about, look.ITEMS, *queries), "/ planned$/")
