"""Dashboards as readers and Grafana's provisioning see them."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from stream.cli.dashboards import RUNBOOKS
from stream.config.loading import load_config
from stream.dashboards.files import FOLDERS, files, left_over
from tests.dashboards.material import GRAFANA, REPOSITORY, Board, boards, config, first_values, panels

BOARDS = boards()
READING = [board for board in BOARDS if "wall" not in board["uid"]]
NAMES = ["overview", "art", "team", "bottlenecks", "goals", "engine"]
CURLY = re.compile(r"\$\{(\w+)(?::\w+)?\}")

each_board = pytest.mark.parametrize("board", BOARDS, ids=[board["uid"] for board in BOARDS])
each_reading = pytest.mark.parametrize("board", READING, ids=[board["uid"] for board in READING])


def variables(board: Board) -> list[str]:
    return [variable["name"] for variable in board["templating"].get("list", [])]


def data_links(board: Board) -> list[str]:
    return [link["url"] for panel in panels(board) for link in panel["fieldConfig"]["defaults"].get("links", [])]


def test_kept_files_are_what_the_command_writes() -> None:
    made = files(load_config(REPOSITORY / "deploy/flow.yaml"), RUNBOOKS)
    kept = {name: (GRAFANA / name).read_text(encoding="utf-8") for name in made if (GRAFANA / name).exists()}
    assert kept == made, "run: flowgauge dashboards -c deploy/flow.yaml -o deploy/grafana"
    assert left_over(GRAFANA, made) == []


def test_dashboards_have_their_fixed_uids() -> None:
    assert sorted(board["uid"] for board in READING) == sorted(f"flowgauge-{name}" for name in NAMES)
    assert Counter(board["uid"] for board in BOARDS).most_common(1)[0][1] == 1
    assert Counter(board["title"] for board in BOARDS).most_common(1)[0][1] == 1


@each_board
def test_board_can_be_provisioned(board: Board) -> None:
    assert re.fullmatch("[a-z0-9-]{8,40}", board["uid"])
    assert "id" not in board
    text = json.dumps(board)
    assert "__inputs" not in text
    assert "${DS_" not in text
    assert {source["uid"] for source in sources(board)} == {"prometheus" if "wall" in board["uid"] else "${datasource}"}


def sources(board: Board) -> list[dict[str, Any]]:
    return [source["datasource"] for panel in panels(board) for source in (panel, *panel["targets"])]


@each_board
def test_each_panel_has_title_description_and_unit(board: Board) -> None:
    for panel in panels(board):
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH")[: len(panel["targets"])]


@each_board
def test_panels_fill_the_grid_and_do_not_overlap(board: Board) -> None:
    taken = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    height = max(y for _, y in taken) + 1
    assert taken == Counter((x, y) for x in range(24) for y in range(height))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@each_board
def test_the_instant_of_the_numbers_stands_first(board: Board) -> None:
    first = panels(board)[0]
    assert "as of" in first["title"].lower()
    assert "flow_snapshot_timestamp_seconds" in first["targets"][0]["expr"]
    assert first["gridPos"]["x"] == first["gridPos"]["y"] == 0


@each_board
def test_what_stands_for_now_is_asked_for_now(board: Board) -> None:
    """A query over a range would still show the last number of a stopped worker."""
    for panel in panels(board):
        if panel["type"] in {"stat", "bargauge", "table", "barchart"}:
            assert all(target.get("instant") for target in panel["targets"]), panel["title"]


@each_board
def test_colours_begin_at_their_bounds(board: Board) -> None:
    """A load of 80 % is near its limit, and 100 % is not over it."""
    for panel in panels(board):
        defaults = panel["fieldConfig"]["defaults"]
        steps = defaults.get("thresholds", {}).get("steps", [{"value": None}])
        assert steps[0]["value"] is None
        assert all(low["value"] < high["value"] for low, high in pairwise(steps[1:]))
        if "flow_load_ratio" in panel["targets"][0]["expr"] and len(panel["targets"]) == 1:
            assert [step["color"] for step in steps] == ["green", "orange", "red"]
            assert steps[1]["value"] == 0.8
            assert 1 < steps[2]["value"] < 1.000001


@each_reading
def test_variables_are_the_agreed_ones(board: Board) -> None:
    found = variables(board)
    assert found[0] == "datasource"
    assert set(found) <= {"datasource", "value_stream", "art", "team", "backlog", "window"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([board["panels"], board["templating"]])))
    assert used - set(found) <= {"__rate_interval", "__range", "__url_time_range", "__field", "__all"}
    assert set(found) <= used
    for variable in board["templating"]["list"]:
        if variable["name"] == "window":
            assert variable["current"]["value"] == "30d"


SEVERAL = """
backlogs:
  - {backlog: epics, home: portfolio, holds: {item_type: [Epic]}}
  - {backlog: features, home: art, holds: {item_type: [Feature]}}
  - {backlog: stories, home: team}
"""
HIGH = "\nbacklogs: [{backlog: epics, home: portfolio}]\n"


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ("", {"overview": "all", "art": "all", "team": "all", "bottlenecks": "all"}),
        (SEVERAL, {"overview": "features", "art": "features", "team": "stories", "bottlenecks": "stories"}),
        (HIGH, {"overview": "epics", "art": "epics", "team": "epics", "bottlenecks": "epics"}),
    ],
    ids=["one", "several", "none at home"],
)
def test_a_dashboard_begins_with_the_home_backlog_of_its_level(more: str, first: dict[str, str]) -> None:
    found = {}
    for name, text in files(config("One", more=more), RUNBOOKS).items():
        if name.startswith("dashboards/"):
            board = json.loads(text)
            found |= {board["uid"].removeprefix("flowgauge-"): value for value in first_values(board).values()}
    assert found == first


@pytest.mark.parametrize(
    ("windows", "usual"),
    [
        ("windows: [7d, 30d, pi]", "30d"),
        ("windows: [7d, 90d, pi]", "90d"),
        ("windows: [pi]", "pi"),
        ("windows: [7d, 30d, pi]\nexport: {windows: [7d, pi]}", "7d"),
    ],
)
def test_a_dashboard_begins_with_a_window_that_is_there(windows: str, usual: str) -> None:
    increments = "program_increments: [{name: '1', start: 2026-10-01, end: 2026-12-10}]"
    made = files(config("One", more=f"{windows}\n{increments}\n"), RUNBOOKS)
    (window,) = (
        variable["current"]["value"]
        for variable in json.loads(made["dashboards/flowgauge-team.json"])["templating"]["list"]
        if variable["name"] == "window"
    )
    assert window == usual
    assert f'window=\\"{usual}\\"' in made["walls/flowgauge-wall-one.json"]


@each_reading
def test_links_lead_to_dashboards_that_exist_and_keep_the_variables(board: Board) -> None:
    uids = {other["uid"]: other for other in READING}
    *others, runbooks = board["links"]
    assert {link["url"] for link in others} == {f"/d/{uid}" for uid in uids if uid != board["uid"]}
    assert all(link["includeVars"] and link["keepTime"] for link in others)
    assert all(link["placement"] == "" for link in board["links"])
    assert runbooks["url"] == RUNBOOKS
    for url in data_links(board):
        parts = urlsplit(url)
        target = uids[parts.path.removeprefix("/d/")]
        named = {key.removeprefix("var-") for key, _ in parse_qsl(parts.query) if key.startswith("var-")}
        kept = {name for name in CURLY.findall(url) if name != "__url_time_range"}
        assert named | kept <= set(variables(target))
        assert kept <= set(variables(board))


@each_reading
def test_a_series_leads_on_by_labels_that_it_has(board: Board) -> None:
    for panel in panels(board):
        for link in panel["fieldConfig"]["defaults"].get("links", []):
            labels = set(re.findall(r"__field\.labels\.(\w+)", link["url"]))
            assert labels
            for target in panel["targets"]:
                grouped = re.match(r"(?:sort_desc\(topk\(\d+, |label_replace\(|\()*sum by \(([^)]*)\)", target["expr"])
                assert grouped is None or labels <= set(grouped[1].split(", ")), panel["title"]


def test_one_can_go_from_the_overview_to_an_art_and_on_to_a_team() -> None:
    way = {board["uid"]: {urlsplit(url).path for url in data_links(board)} for board in READING}
    assert way["flowgauge-overview"] == {"/d/flowgauge-art"}
    assert way["flowgauge-art"] == {"/d/flowgauge-team"}


def test_flow_time_buckets_are_shown_as_they_stand() -> None:
    """The buckets are a gauge histogram: Grafana must neither rate nor bin them."""
    heat = [panel for board in BOARDS for panel in panels(board) if panel["type"] == "heatmap"]
    assert heat
    for panel in heat:
        (target,) = panel["targets"]
        assert target["format"] == "heatmap"
        assert target["expr"].startswith("sum by (le) (")
        assert not panel["options"]["calculate"]


def test_provisioning_names_the_source_of_the_walls_and_the_folders_that_are_written() -> None:
    read = [yaml.safe_load(file.read_text()) for file in sorted(GRAFANA.glob("provisioning/*/*.yaml"))]
    dashboards, sources = read
    assert [source["uid"] for source in sources["datasources"]] == ["prometheus"]
    paths = [provider["options"]["path"].rsplit("/", 1)[1] for provider in dashboards["providers"]]
    assert paths == [folder for folder in FOLDERS if folder != "playlists"]
    assert len({provider["folderUid"] for provider in dashboards["providers"]}) == len(paths)
