"""From rows of panels to a dashboard: places on Grafana's grid of 24 columns, ids, data sources, variables, links."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import DataSourceRef

from stream.config.model import Level

COLUMNS = 24
PREFIX = "flowgauge-"
NAMES = {
    "overview": "Overview",
    "art": "ART",
    "team": "Team",
    "bottlenecks": "Bottlenecks",
    "goals": "Goals",
    "engine": "Engine",
}
ANY_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
PROVISIONED_SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")

Panel = Builder[dashboard.Panel]


class PanelRow(NamedTuple):
    """Panels side by side, each with its width in columns; a title begins a section."""

    height: int
    panels: Sequence[tuple[int, Panel]]
    title: str = ""


class Frame(NamedTuple):
    """Settings that the dashboards for reading share.

    `usual` is the window that is shown first, `longest` the longest trailing one, which gives a team's 85 % line.
    `runbooks` is the address of the runbooks, `homes` the backlog that a board of each level shows first.
    """

    usual: str
    longest: str
    runbooks: str
    homes: Mapping[Level, str]


def arrange(rows: Iterable[PanelRow], source: DataSourceRef) -> list[dashboard.Panel | dashboard.RowPanel]:
    """Place the panels from top to bottom and number them; all use the same data source."""
    placed: list[dashboard.Panel | dashboard.RowPanel] = []
    y = 0
    for row in rows:
        if row.title:
            place = dashboard.GridPos(h=1, w=COLUMNS, x=0, y=y)
            placed.append(dashboard.RowPanel(title=row.title, grid_pos=place, id_val=len(placed) + 1))
            y += 1
        x = 0
        for width, panel in row.panels:
            place = dashboard.GridPos(h=row.height, w=width, x=x, y=y)
            placed.append(_finished(panel, place, len(placed) + 1, source))
            x += width
        y += row.height
    return placed


def _finished(panel: Panel, place: dashboard.GridPos, number: int, source: DataSourceRef) -> dashboard.Panel:
    built = panel.build()
    built.id_val, built.grid_pos, built.datasource = number, place, source
    for letter, target in zip("ABCDEFGH", built.targets or [], strict=False):
        query: Any = target
        query.ref_id, query.datasource = letter, source
    return built


def reading(
    name: str, description: str, frame: Frame, labels: Sequence[str], rows: Iterable[PanelRow]
) -> dashboard.Dashboard:
    """Build a dashboard for reading, with variables and with links to the others and to the runbooks."""
    board = (
        build.Dashboard(f"flowgauge / {NAMES[name]}")
        .uid(PREFIX + name)
        .description(description)
        .tags(["flowgauge"])
        .time("now-7d", "now")
        .refresh("30s")
        .readonly()
        .timezone("browser")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .annotations([])
        .variables([_source_variable(), *(_variable(label, name, frame) for label in labels)])
        .links([*(_link(other) for other in NAMES if other != name), _runbooks(frame.runbooks)])
        .build()
    )
    board.panels = arrange(rows, ANY_SOURCE)
    return board


def wall(uid: str, title: str, description: str, rows: Iterable[PanelRow]) -> dashboard.Dashboard:
    """Build a wall: nothing to choose or click, refreshed every five seconds."""
    board = (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["flowgauge", "flowgauge-wall"])
        .time("now-24h", "now")
        .refresh("5s")
        .readonly()
        .timezone("browser")
        .annotations([])
        .timepicker(build.TimePicker().hidden(hidden=True))
        .build()
    )
    board.panels = arrange(rows, PROVISIONED_SOURCE)
    return board


def as_text(model: Any) -> str:
    """Write a model as JSON, with sorted keys, so that a diff shows only the change."""
    return json.dumps(model, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def to_art(labels: str = "value_stream") -> Builder[dashboard.DashboardLink]:
    """Link a series to its ART's dashboard; `labels` lists the labels that identify the ART."""
    return _from_series("art", labels)


def to_team() -> Builder[dashboard.DashboardLink]:
    """Link a team's series to the team's dashboard."""
    return _from_series("team", "value_stream art team")


def _from_series(name: str, labels: str) -> Builder[dashboard.DashboardLink]:
    chosen = "&".join(f"var-{label}=${{__field.labels.{label}:percentencode}}" for label in labels.split())
    kept = "${datasource:queryparam}&${backlog:queryparam}&${window:queryparam}&${__url_time_range}"
    return build.DashboardLink(f"Open {NAMES[name]}").url(f"/d/{PREFIX}{name}?{chosen}&{kept}")


def _link(name: str) -> Builder[dashboard.DashboardLink]:
    return (
        _shown(NAMES[name], f"/d/{PREFIX}{name}")
        .icon("dashboard")
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _runbooks(url: str) -> Builder[dashboard.DashboardLink]:
    link = _shown("Runbooks", url).icon("doc").tooltip("What each alert means and what to do")
    return link.target_blank(target_blank=True)


def _shown(title: str, url: str) -> build.DashboardLink:
    # The SDK's own choice would hide the link in a menu.
    return build.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url).placement("")


def _source_variable() -> Builder[dashboard.VariableModel]:
    chosen = dashboard.VariableOption(text="prometheus", value="prometheus")
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus").current(chosen)


QUERIES = {
    "value_stream": "label_values(flow_load_items, value_stream)",
    "art": 'label_values(flow_load_items{value_stream="$value_stream"}, art)',
    "team": 'label_values(flow_load_items{value_stream="$value_stream", art="$art"}, team)',
    "backlog": "label_values(flow_load_items, backlog)",
    "window": "label_values(flow_velocity_items, window)",
}
LABELS = {"value_stream": "Value stream", "art": "ART", "team": "Team", "backlog": "Backlog", "window": "Window"}
# The level of what a dashboard shows: it begins with the home backlog of this level.
LEVEL_OF: Mapping[str, Level] = {"overview": "value_stream", "art": "art", "team": "team", "bottlenecks": "team"}
# Variables with several values. `All` is a regular expression that also matches the portfolio's empty labels.
SEVERAL = {("overview", "value_stream"), ("goals", "value_stream"), ("bottlenecks", "art")}


def _variable(label: str, board: str, frame: Frame) -> Builder[dashboard.VariableModel]:
    query = QUERIES[label]
    variable = (
        build.QueryVariable(label)
        .label(LABELS[label])
        .datasource(ANY_SOURCE)
        .query({"query": query, "refId": "StandardVariableQuery"})
        .definition(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.NATURAL_ASC)
    )
    if (board, label) in SEVERAL:
        every = dashboard.VariableOption(text=["All"], value=["$__all"])
        return variable.multi(multi=True).include_all(include_all=True).all_value(".*").current(every)
    if label in {"backlog", "window"}:
        first = frame.usual if label == "window" else frame.homes[LEVEL_OF[board]]
        return variable.current(dashboard.VariableOption(text=first, value=first))
    return variable
