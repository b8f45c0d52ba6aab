"""Where work piles up and where time goes: workflow states by team."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading, to_team
from stream.dashboards.look import now
from stream.dashboards.panels import by_team_and_state, named_owner
from stream.dashboards.promql import ARTS, OWNERS, named, total

WINDOW = "$window"
MOST = 12
ABOUT = "Where work piles up and where time goes, by workflow state and team."


def bottlenecks(frame: Frame) -> dashboard.Dashboard:
    """Build the dashboard of bottlenecks."""
    return reading("bottlenecks", ABOUT, frame, ("value_stream", "art", "backlog", "window"), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(6, panels.as_of("$value_stream: as of")), *((6, tile) for tile in _tiles())])
    yield PanelRow(10, [(24, _time_matrix())], "Where time goes")
    yield PanelRow(10, [(24, _items_matrix())], "Where work is")
    yield PanelRow(9, [(12, _longest_states()), (12, _growing())], "Worst first")


def _tiles() -> Iterator[Panel]:
    waiting = now(total("flow_load_items", ARTS, flow_state="waiting"))
    yield look.tiles("Waiting", "Items in progress in a waiting state.", look.ITEMS, waiting)
    blocked = now(total("flow_blocked_items", ARTS))
    yield look.tiles("Blocked", "Items in progress that are blocked.", look.ITEMS, blocked).thresholds(
        look.none_is_good()
    )
    ageing = now(total("flow_ageing_items", ARTS))
    yield look.tiles(
        "Ageing", "Items in progress older than 85 % of the items that their owner finished.", look.ITEMS, ageing
    ).thresholds(look.none_is_good())


def _per_item() -> str:
    seconds = by_team_and_state("flow_state_seconds", ARTS, window=WINDOW)
    items = total("flow_time_seconds_gcount", ARTS, by=OWNERS, window=WINDOW)
    return f"{seconds} / on ({OWNERS}) group_left () ({items} > 0)"


def _time_matrix() -> Panel:
    about = (
        "Mean time in each workflow state, per item finished in the window. Colours compare the teams within a state."
    )
    return panels.team_matrix("Time in state by team, per item", about, look.SECONDS, named_owner(_per_item()))


def _items_matrix() -> Panel:
    about = "Items in each workflow state now, including finished ones. Colours compare the teams within a state."
    expr = named_owner(by_team_and_state("flow_state_items", ARTS))
    return panels.team_matrix("Items in state by team", about, look.ITEMS, expr)


def _longest_states() -> Panel:
    about = f"The {MOST} pairs of team and workflow state in which a finished item spent the most time."
    query = now(f"sort_desc(topk({MOST}, {named(_per_item(), 'art, team')}))", "{{team}}: {{state}}")
    return look.bars("Most time in state, per item", about, look.SECONDS, query).data_links([to_team()])


def _growing() -> Panel:
    about = f"Items started minus items finished in the window, for the {MOST} teams whose load grows most."
    started = total("flow_arrivals_items", ARTS, by=OWNERS, window=WINDOW)
    finished = total("flow_velocity_items", ARTS, by=OWNERS, window=WINDOW)
    growth = named(f"({started} - {finished} > 0)", "art, team")
    query = now(f"sort_desc(topk({MOST}, {growth}))", "{{art}} / {{team}}")
    return look.bars("Load growth by team", about, look.ITEMS, query).data_links([to_team()])
