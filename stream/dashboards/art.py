"""The dashboard of an ART: its flow, and its teams side by side."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading, to_team
from stream.dashboards.look import now, trend
from stream.dashboards.promql import ART, OWNERS, flow_time, named, pick, total

WINDOW = "$window"
TEAM = "{{team}}"
OWN_ITEMS = "(own): what the ART owns itself."
ABOUT = "The flow of an ART and of its teams. Click a bar or line of a team to open the team."


def art(frame: Frame) -> dashboard.Dashboard:
    """Build the ART's dashboard."""
    return reading("art", ABOUT, frame, ("value_stream", "art", "backlog", "window"), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(4, panels.as_of("$art: as of")), *((5, tile) for tile in _tiles())])
    yield PanelRow(
        8, [(8, _load_by_team()), (8, panels.load_and_limit("Flow load", ART, "art")), (8, _ageing())], "Load"
    )
    yield PanelRow(8, [(12, _flow_time()), (12, _flow_time_by_team())], "Flow time")
    yield PanelRow(
        8, [(8, panels.in_and_out("Started and finished", ART, WINDOW)), (8, _velocity()), (8, _efficiency())]
    )
    yield PanelRow(
        8,
        [
            (8, panels.distribution("Flow distribution by team", ART, "team", WINDOW)),
            (8, _blocked()),
            (8, panels.blocked_longest("Blocked longest, by team", ART, "team", TEAM)),
        ],
        "Distribution and blocked work",
    )
    yield PanelRow(8, panels.points(ART, WINDOW), "Points")
    yield PanelRow(8, [(12, panels.cumulative_flow("Cumulative flow", ART)), (12, _promises())], "States and promises")
    yield PanelRow(7, [(24, panels.verdicts("Targets of the ART and its teams", ART))])


def _tiles() -> Iterator[Panel]:
    load = now(pick("flow_load_ratio", ART, level="art"))
    yield look.tiles("Load / limit", "Items in progress / WIP limit of the ART.", look.RATIO, load).thresholds(
        look.of_limit()
    )
    time = now(flow_time(ART, "art", WINDOW, "0.85"))
    yield look.tiles("Flow time, 85 %", "85 % of the finished items took at most this long.", look.SECONDS, time)
    finished = now(total("flow_velocity_items", ART, window=WINDOW))
    yield look.tiles("Finished", "Flow velocity: items finished in the window.", look.ITEMS, finished)
    active = now(pick("flow_efficiency_ratio", ART, level="art", window=WINDOW))
    yield look.tiles("Flow efficiency", "Active / elapsed time of the finished items.", look.RATIO, active)


def _load_by_team() -> Panel:
    about = "Items in progress / WIP limit, for each team with a limit. Amber from 80 %, red above the limit."
    panel = look.bars("Load / limit by team", about, look.RATIO, now(pick("flow_load_ratio", ART, level="team"), TEAM))
    return panel.thresholds(look.of_limit()).max(1.5).data_links([to_team()])


def _ageing() -> Panel:
    about = (
        f"Items in progress older than 85 % of the items that their owner finished in the longest window. {OWN_ITEMS}"
    )
    panel = look.bars(
        "Ageing items by team", about, look.ITEMS, now(named(pick("flow_ageing_items", ART), "team"), TEAM)
    )
    return panel.thresholds(look.none_is_good()).data_links([to_team()])


def _flow_time() -> Panel:
    about = "Flow time of the items that the ART finished in the window: median, 85 % and 95 %."
    queries = (trend(flow_time(ART, "art", WINDOW, q), "{{quantile}}") for q in ("0.5", "0.85", "0.95"))
    return look.lines("Flow time of the ART", about, look.SECONDS, *queries)


def _flow_time_by_team() -> Panel:
    about = "85 % of the items that the team finished in the window took at most this long."
    query = trend(flow_time(ART, "team", WINDOW, "0.85"), TEAM)
    return look.lines("Flow time by team, 85 %", about, look.SECONDS, query).data_links([to_team()])


def _velocity() -> Panel:
    about = f"Items finished in the window, by team. {OWN_ITEMS}"
    query = trend(named(total("flow_velocity_items", ART, by=OWNERS, window=WINDOW), "team"), TEAM)
    return look.stacked("Flow velocity by team", about, look.ITEMS, query).data_links([to_team()])


def _efficiency() -> Panel:
    about = "Active / elapsed time of the items that the team finished in the window."
    query = now(pick("flow_efficiency_ratio", ART, level="team", window=WINDOW), TEAM)
    return look.bars("Flow efficiency by team", about, look.RATIO, query).max(1).data_links([to_team()])


def _blocked() -> Panel:
    about = f"Items in progress that are blocked now, by team. {OWN_ITEMS}"
    query = now(named(total("flow_blocked_items", ART, by=OWNERS), "team"), TEAM)
    panel = look.bars("Blocked items by team", about, look.ITEMS, query)
    return panel.thresholds(look.none_is_good()).data_links([to_team()])


def _promises() -> Panel:
    return panels.promises("Predictability by PI", ART, "art", "PI {{pi}}")
