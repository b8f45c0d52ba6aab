"""The overview: the six SAFe flow metrics by value stream, and the targets."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading, to_art
from stream.dashboards.look import now, trend
from stream.dashboards.promql import VALUE_STREAMS, flow_time, named, pick, total

LEVEL = "value_stream"
WINDOW = "$window"
STREAM = "{{value_stream}}"
OWN_ITEMS = "(own): what the portfolio owns itself."
ABOUT = "The six SAFe flow metrics by value stream, and the targets. Click a bar or line to open its ART."


def overview(frame: Frame) -> dashboard.Dashboard:
    """Build the overview."""
    return reading("overview", ABOUT, frame, ("value_stream", "backlog", "window"), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(4, panels.as_of()), *((4, tile) for tile in _tiles())])
    yield PanelRow(8, [(8, _load_ratio()), (8, _load()), (8, _flow_time())], "Flow load and flow time")
    yield PanelRow(
        8,
        [
            (8, _velocity()),
            (8, _efficiency()),
            (8, panels.distribution("Flow distribution", VALUE_STREAMS, LEVEL, WINDOW)),
        ],
        "Flow velocity, efficiency, distribution",
    )
    yield PanelRow(8, panels.points(VALUE_STREAMS, WINDOW), "Points")
    yield PanelRow(8, [(8, _promises()), (16, panels.verdicts("Targets", VALUE_STREAMS))], "Predictability and targets")


def _tiles() -> Iterator[Panel]:
    scope = VALUE_STREAMS
    load = now(total("flow_load_items", scope))
    blocked = now(total("flow_blocked_items", scope))
    finished = now(total("flow_velocity_items", scope, window=WINDOW))
    ageing = now(total("flow_ageing_items", scope))
    missed = now(f"sum(1 - max by (target) ({pick('flow_target_met', scope.whole())}))")
    yield look.tiles("Flow load", "Items in progress, active or waiting.", look.ITEMS, load)
    yield look.tiles("Blocked", "Items in progress that are blocked.", look.ITEMS, blocked).thresholds(
        look.none_is_good()
    )
    yield look.tiles("Finished", "Flow velocity: items finished in the window.", look.ITEMS, finished)
    yield look.tiles(
        "Ageing", "Items in progress older than 85 % of the items that their owner finished.", look.ITEMS, ageing
    ).thresholds(look.none_is_good())
    yield look.tiles("Targets missed", "Targets that are missed now, of all backlogs.", look.ITEMS, missed).thresholds(
        look.none_is_good()
    )


def _load_ratio() -> Panel:
    about = "Items in progress / WIP limit, for each ART with a limit. Amber from 80 %, red above the limit."
    query = now(pick("flow_load_ratio", VALUE_STREAMS, level="art"), "{{value_stream}} / {{art}}")
    panel = look.bars("Load / limit by ART", about, look.RATIO, query).thresholds(look.of_limit()).max(1.5)
    return panel.data_links([to_art("value_stream art")])


def _load() -> Panel:
    about = f"Items in progress by value stream. Dashed lines are WIP limits. {OWN_ITEMS}"
    load = trend(named(total("flow_load_items", VALUE_STREAMS, by=LEVEL), LEVEL), STREAM)
    limit = trend(pick("flow_load_limit_items", VALUE_STREAMS, level=LEVEL), "limit of {{value_stream}}")
    panel = look.lines("Flow load", about, look.ITEMS, load, limit)
    return look.dashed(panel, "/^limit of/").data_links([to_art()])


def _flow_time() -> Panel:
    about = "85 % of the items finished in the window took at most this long from start to finish."
    query = trend(flow_time(VALUE_STREAMS, LEVEL, WINDOW, "0.85"), STREAM)
    return look.lines("Flow time, 85 %", about, look.SECONDS, query).data_links([to_art()])


def _velocity() -> Panel:
    about = f"Items finished in the window. {OWN_ITEMS}"
    query = trend(named(total("flow_velocity_items", VALUE_STREAMS, by=LEVEL, window=WINDOW), LEVEL), STREAM)
    return look.lines("Flow velocity", about, look.ITEMS, query).data_links([to_art()])


def _efficiency() -> Panel:
    about = "Active / elapsed time of the items finished in the window: a ratio of sums."
    query = now(pick("flow_efficiency_ratio", VALUE_STREAMS, level=LEVEL, window=WINDOW), STREAM)
    return look.bars("Flow efficiency", about, look.RATIO, query).max(1).data_links([to_art()])


def _promises() -> Panel:
    about = "Business value achieved / planned, by PI. SAFe calls 80 % and more reliable."
    query = now(pick("flow_predictability_ratio", VALUE_STREAMS.whole(), level=LEVEL), "{{value_stream}}, PI {{pi}}")
    return look.bars("Flow predictability", about, look.RATIO, query).max(1.2).thresholds(look.kept_promises())
