"""The committed dashboards, and every PromQL query in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stream.config.loading import parse_config
from stream.config.model import FlowConfig

REPOSITORY = Path(__file__).parents[2]
GRAFANA = REPOSITORY / "deploy/grafana"
# One value for each variable: from deploy/flow.yaml, or as Grafana itself fills it in.
VALUES = {
    "value_stream": "Payments",
    "art": "Checkout",
    "team": "Cards",
    "window": "30d",
    "__rate_interval": "1m",
    "__range": "1h",
}
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

Board = dict[str, Any]


class Query(NamedTuple):
    """A query of a panel with its variables filled in: for now if `instant`, else over the time range."""

    dashboard: str
    panel: str
    expr: str
    legend: str
    instant: bool


def boards() -> list[Board]:
    """Read the committed dashboards and walls."""
    files = sorted([*GRAFANA.glob("dashboards/*.json"), *GRAFANA.glob("walls/*.json")])
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def panels(board: Board) -> list[dict[str, Any]]:
    """Return all panels except the titles of sections."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def first_values(board: Board) -> dict[str, str]:
    """Return the backlog with which a dashboard begins, if it has one to choose."""
    chosen = {variable["name"]: variable.get("current", {}) for variable in board["templating"].get("list", [])}
    return {name: current["value"] for name, current in chosen.items() if name == "backlog"}


def queries(values: Mapping[str, str] = VALUES) -> Iterator[Query]:
    """Return every query of every committed dashboard and wall, with the variables filled in."""
    for board in boards():
        yield from queries_of(board, values)


def queries_of(board: Board, values: Mapping[str, str] = VALUES) -> Iterator[Query]:
    """Return the queries of one dashboard."""
    values = {**first_values(board), **values}
    for panel in panels(board):
        for target in panel["targets"]:
            expr = VARIABLE.sub(lambda found: values[found[1] or found[2]], target["expr"])
            legend = target.get("legendFormat", "")
            yield Query(board["uid"], panel["title"], expr, legend, target.get("instant", False))


def config(*value_streams: str, more: str = "") -> FlowConfig:
    """Make a configuration with these value streams, each with an ART and a team."""
    streams = "\n".join(
        f"  - value_stream: {json.dumps(name)}\n    arts: [{{art: A, teams: [{{team: T{place}}}]}}]"
        for place, name in enumerate(value_streams)
    )
    text = f"version: 1\norganisation:\n{streams}\nworkflows: [{{name: w, states: {{active: [Doing]}}}}]\n{more}"
    return parse_config(text, "flow.yaml")
