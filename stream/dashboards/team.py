"""The dashboard of a team: work in progress and its age, finished work and its flow time."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading
from stream.dashboards.look import now, trend
from stream.dashboards.promql import TEAM, flow_time, pick, total

WINDOW = "$window"
QUANTILES = ("0.5", "0.85", "0.95")
ABOUT = "Work in progress of a team and its age, and finished work and its flow time."


def team(frame: Frame) -> dashboard.Dashboard:
    """Build the team's dashboard."""
    labels = ("value_stream", "art", "team", "backlog", "window")
    return reading("team", ABOUT, frame, labels, _rows(frame.longest))


def _rows(longest: str) -> Iterator[PanelRow]:
    yield PanelRow(4, [(4, panels.as_of("$team: as of")), *((4, tile) for tile in _tiles())])
    yield PanelRow(9, [(12, _age(longest)), (12, panels.load_and_limit("Flow load", TEAM, "team"))], "Work in progress")
    yield PanelRow(9, [(12, panels.cumulative_flow("Cumulative flow", TEAM)), (6, _blocked()), (6, _longest())])
    yield PanelRow(9, [(12, _flow_time_heat()), (12, _flow_time())], "Flow time")
    yield PanelRow(9, [(12, _states()), (12, panels.in_and_out("Started and finished", TEAM, WINDOW))], "Flow")
    promises = panels.promises("Predictability by PI", TEAM, "team", "PI {{pi}}")
    yield PanelRow(8, [(12, _velocity()), (12, promises)], "Delivery")
    yield PanelRow(8, panels.points(TEAM, WINDOW), "Points")
    yield PanelRow(6, [(24, panels.verdicts("Targets of the team", TEAM))])


def _tiles() -> Iterator[Panel]:
    load = now(pick("flow_load_ratio", TEAM, level="team"))
    yield look.tiles("Load / limit", "Items in progress / WIP limit of the team.", look.RATIO, load).thresholds(
        look.of_limit()
    )
    ageing = now(pick("flow_ageing_items", TEAM))
    about = "Items in progress older than 85 % of the items that the team finished in the longest window."
    yield look.tiles("Ageing", about, look.ITEMS, ageing).thresholds(look.none_is_good())
    time = now(flow_time(TEAM, "team", WINDOW, "0.85"))
    yield look.tiles("Flow time, 85 %", "85 % of the finished items took at most this long.", look.SECONDS, time)
    finished = now(total("flow_velocity_items", TEAM, window=WINDOW))
    yield look.tiles("Finished", "Flow velocity: items finished in the window.", look.ITEMS, finished)
    active = now(pick("flow_efficiency_ratio", TEAM, level="team", window=WINDOW))
    yield look.tiles("Flow efficiency", "Active / elapsed time of the finished items.", look.RATIO, active)


def _age(longest: str) -> Panel:
    about = (
        f"Age of the items in progress. Dashed line: 85 % of the items that the team finished in {longest} took at "
        "most this long. Items above the line are ageing. Items that were already started when first seen may be older."
    )
    age = trend(pick("flow_item_age_quantile_seconds", TEAM, level="team"), "age, quantile {{quantile}}")
    oldest = trend(pick("flow_item_age_max_seconds", TEAM, level="team"), "oldest item")
    line = trend(flow_time(TEAM, "team", longest, "0.85"), "85 % of finished")
    return look.dashed(look.lines("Ageing work in progress", about, look.SECONDS, age, oldest, line), "/of finished$/")


def _blocked() -> Panel:
    about = "Items in progress that are blocked, by flow item type."
    return look.stacked(
        "Blocked items", about, look.ITEMS, trend(total("flow_blocked_items", TEAM, by="item_type"), "{{item_type}}")
    )


def _longest() -> Panel:
    return panels.blocked_longest("Blocked longest", TEAM, "team", "blocked longest")


def _flow_time_heat() -> Panel:
    about = (
        "Histogram of the flow time of the items finished in the window, at each moment. "
        "It shrinks when items leave the window."
    )
    return look.heat("Flow time", about, look.SECONDS, total("flow_time_seconds_bucket", TEAM, by="le", window=WINDOW))


def _flow_time() -> Panel:
    about = "Exact percentiles of the flow time of the items finished in the window."
    queries = (trend(flow_time(TEAM, "team", WINDOW, q), f"{float(q):.0%}") for q in QUANTILES)
    return look.lines("Flow time: median, 85 %, 95 %", about, look.SECONDS, *queries)


def _states() -> Panel:
    about = "Mean time in each workflow state between start and finish, per item finished in the window."
    seconds = total("flow_state_seconds", TEAM, by="state", window=WINDOW)
    items = total("flow_time_seconds_gcount", TEAM, window=WINDOW)
    return look.bars(
        "Time in state, per item",
        about,
        look.SECONDS,
        now(f"sort_desc({seconds} / on () group_left () ({items} > 0))", "{{state}}"),
    )


def _velocity() -> Panel:
    about = "Items finished in the window, by flow item type."
    query = trend(total("flow_velocity_items", TEAM, by="item_type", window=WINDOW), "{{item_type}}")
    return look.stacked("Flow velocity by type", about, look.ITEMS, query)
