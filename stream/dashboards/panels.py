"""Panels that several dashboards share."""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, table
from grafana_foundation_sdk.models.common import StackingMode, VizOrientation

from stream.dashboards import look
from stream.dashboards.layout import Panel
from stream.dashboards.look import cells, now, trend
from stream.dashboards.promql import NODE, OWNERS, Scope, named, pick, total

BY_ALL = f"max by (target, metric, {NODE})"


def as_of(title: str = "As of") -> Panel:
    """Say at which instant the numbers were read."""
    about = "The instant of the numbers, the oldest if there are several workers. No data means that no worker answers."
    return look.tiles(title, about, look.INSTANT, now("min(flow_snapshot_timestamp_seconds) * 1000"))


def load_and_limit(title: str, scope: Scope, level: str = "") -> Panel:
    """Show the items in progress by flow state, stacked, under the WIP limit of the level, if one is named."""
    about = "Items in progress by flow state, active and waiting. The dashed line is the WIP limit, if there is one."
    queries = [trend(total("flow_load_items", scope, by="flow_state"), "{{flow_state}}")]
    if level:
        queries.append(trend(f"max({pick('flow_load_limit_items', scope, level=level)})", "limit"))
    return look.dashed(look.stacked(title, about, look.ITEMS, *queries), "/^limit/")


def in_and_out(title: str, scope: Scope, window: str) -> Panel:
    """Show started against finished items: load grows while more are started."""
    about = f"Items started and items finished in the window ({window}). Load grows while more are started."
    started = trend(total("flow_arrivals_items", scope, window=window), "started")
    finished = trend(total("flow_velocity_items", scope, window=window), "finished")
    return look.lines(title, about, look.ITEMS, started, finished)


def cumulative_flow(title: str, scope: Scope) -> Panel:
    """Show the items in each workflow state over time, stacked: the cumulative flow diagram."""
    about = (
        "Cumulative flow: items in each workflow state, including finished ones, in order of state name. "
        "Work piles up where a band widens."
    )
    return look.stacked(title, about, look.ITEMS, trend(total("flow_state_items", scope, by="state"), "{{state}}"))


def points(scope: Scope, window: str) -> list[tuple[int, Panel]]:
    """Show load and velocity in points, and what these leave out, in three panels of a third of the width."""
    about = "Points of the items in progress, as they are now, by flow item type."
    query = trend(total("flow_load_points", scope, by="item_type"), "{{item_type}}")
    load = look.stacked("Flow load in points", about, look.ITEMS, query)
    about = f"Points of the items finished in the window ({window}), as they were at the finish, by flow item type."
    query = trend(total("flow_velocity_points", scope, by="item_type", window=window), "{{item_type}}")
    velocity = look.stacked("Flow velocity in points", about, look.ITEMS, query)
    about = "Items without points. They count as items, but in no number of points."
    now_open = trend(total("flow_load_unestimated_items", scope), "in progress")
    finished = trend(total("flow_velocity_unestimated_items", scope, window=window), f"finished, {window}")
    return [(8, load), (8, velocity), (8, look.lines("Items without points", about, look.ITEMS, now_open, finished))]


def verdicts(title: str, scope: Scope) -> Panel:
    """List the targets of all backlogs: met or missed, and since when they have been met."""
    about = "KPI targets of flow.yaml, of all backlogs. `met since` is empty while a target is missed."
    met = f"{BY_ALL} ({pick('flow_target_met', scope.whole())})"
    since = f"{BY_ALL} ({pick('flow_target_met_since_timestamp_seconds', scope.whole())}) * 1000 or {met} * NaN"
    panel = look.rows(title, about, "none", cells(met), cells(since))
    names = {"target": "target", "metric": "metric", "value_stream": "value stream", "art": "ART", "team": "team"}
    names |= {"level": "level", "backlog": "backlog"}
    panel = look.columns(panel, {**names, "Value #A": "verdict", "Value #B": "met since"})
    return look.as_ago(look.as_verdict(panel, "verdict"), "met since")


def promises(title: str, scope: Scope, level: str, legend: str) -> Panel:
    """Show predictability by PI over time."""
    about = (
        "Business value achieved / planned, by PI. Planned counts committed objectives only, achieved counts all, "
        "so the ratio can exceed 100 %. During a PI it shows the value so far."
    )
    queries = [trend(pick("flow_predictability_ratio", scope.whole(), level=level), legend)]
    return look.lines(title, about, look.RATIO, *queries)


def distribution(title: str, scope: Scope, level: str, window: str) -> Panel:
    """Show the share of each flow item type, a bar for each node of the level."""
    about = f"Share of each flow item type among the items finished in the window ({window})."
    finished = pick("flow_distribution_ratio", scope, level=level, window=window)
    panel = barchart.Panel().title(title).description(about).unit(look.RATIO)
    panel.targets([cells(f"max by ({level}, item_type) ({finished})")]).min(0).max(1).fill_opacity(80)
    panel.stacking(StackingMode.NORMAL).orientation(VizOrientation.HORIZONTAL)
    look.matrix(panel, level, "item_type")
    return panel


def blocked_longest(title: str, scope: Scope, level: str, legend: str) -> Panel:
    """Show for how long the longest-blocked item has been blocked."""
    about = "How long the longest-blocked item in progress has been blocked. No line means that no item is blocked."
    return look.lines(
        title, about, look.SECONDS, trend(pick("flow_blocked_age_max_seconds", scope, level=level), legend)
    )


def team_matrix(title: str, description: str, unit: str, expr: str) -> Panel:
    """Show a row for each owner and a column for each workflow state; `expr` gives labels `owner` and `state`."""
    panel = table.Panel().title(title).description(description).unit(unit).targets([cells(expr)])
    look.matrix(panel, "owner", "state")
    return look.colored_cells(panel)


def named_owner(expr: str) -> str:
    """Join ART and team to one label `owner`: a team's name is unique only within its ART."""
    return f'label_join({named(expr, "art, team")}, "owner", " / ", "art", "team")'


def by_team_and_state(metric: str, scope: Scope, **labels: str) -> str:
    """Sum a metric by team and workflow state."""
    return total(metric, scope, by=f"{OWNERS}, state", **labels)
