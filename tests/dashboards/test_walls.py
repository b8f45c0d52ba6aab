"""Walls: one screen, nothing to choose, for any names of value streams."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest
from promql_parser import VectorSelector

from stream.config.loading import parse_config
from stream.dashboards.files import files
from stream.dashboards.slug import slugs
from tests.dashboards.material import Board, boards, config, panels, queries_of
from tests.dashboards.test_queries import parts

WALLS = [board for board in boards() if "wall" in board["uid"]]
each_wall = pytest.mark.parametrize("wall", WALLS, ids=[wall["uid"] for wall in WALLS])

ODD = [
    'The "Best" One',
    "back\\slash / slash",
    "Zürich",
    "東京",
    "$team and ${window}",
    "{{team}}",
    "Pay Ments",
    "pay-ments",
    "Pay  Ments",
    "Portfolio",
    "Foo",
    "Foo 4k",
    "A name that is far too long for a uid of Grafana, and longer",
]
TARGETS = """
item_types: {debt: [Debt]}
targets:
  - {name: 'quick "now"', level: team, value_stream: One, art: A, team: T0, metric: flow_time, quantile: 0.85,
     window: 7d, at_most: 2d}
  - {name: steady, level: art, value_stream: One, art: A, metric: velocity, window: 7d, at_least: 3}
  - {name: debt, level: portfolio, metric: distribution, item_type: debt, window: 7d, at_least: 0.1, at_most: 0.3}
"""


def made(*value_streams: str, more: str = "") -> dict[str, Board]:
    """Build the walls for these value streams, by uid."""
    written = files(config(*value_streams, more=more), "http://runbooks")
    found = [json.loads(text) for name, text in written.items() if name.startswith("walls/")]
    assert len({wall["uid"] for wall in found}) == len(found)
    return {wall["uid"]: wall for wall in found}


@each_wall
def test_wall_fits_a_screen_and_has_nothing_to_choose(wall: Board) -> None:
    assert len(panels(wall)) <= 12
    assert not wall["templating"].get("list")
    assert not wall.get("links")
    assert "$" not in json.dumps(wall)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels(wall))
    assert height == (40 if wall["uid"].endswith("-4k") else 20)
    assert wall["refresh"] == "5s"
    assert wall["timepicker"]["hidden"]


@each_wall
def test_wall_names_what_it_shows_on_every_panel(wall: Board) -> None:
    name = wall["title"].split(":")[0]
    assert all(panel["title"].startswith(f"{name}: ") for panel in panels(wall))


def test_there_is_a_wall_for_each_value_stream_and_the_portfolio_in_both_sizes() -> None:
    small = {"flowgauge-wall-portfolio", "flowgauge-wall-payments", "flowgauge-wall-operations"}
    assert {wall["uid"] for wall in WALLS} == small | {f"{uid}-4k" for uid in small}


def test_playlists_go_through_all_walls_of_a_size() -> None:
    written = files(config("One", "Two"), "http://runbooks")
    for name, ending in (("flowgauge-walls", ""), ("flowgauge-walls-4k", "-4k")):
        playlist = json.loads(written[f"playlists/{name}.json"])
        assert playlist["metadata"]["name"] == name
        uids = [item["value"] for item in playlist["spec"]["items"]]
        assert uids == [f"flowgauge-wall-{slug}{ending}" for slug in ("portfolio", "one", "two")]
        assert all(f"walls/{uid}.json" in written for uid in uids)


def test_odd_names_give_uids_that_grafana_takes_and_files_that_stay_in_their_folder() -> None:
    walls = made(*ODD)
    assert len(walls) == 2 * (len(ODD) + 1)
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]{7,39}", uid) for uid in walls)
    assert len({wall["title"] for wall in walls.values()}) == len(walls)


@pytest.mark.parametrize("name", ODD)
def test_a_wall_asks_for_exactly_its_value_stream(name: str) -> None:
    for wall in made(name).values():
        if wall["title"].startswith("All value streams"):
            continue
        asked = set()
        for query in queries_of(wall, {}):
            for part in parts(promql_parser.parse(query.expr)):
                if isinstance(part, VectorSelector):
                    asked |= {m.value for m in part.matchers.matchers if m.name == "value_stream"}
        assert asked == {name}


def test_a_plain_name_is_its_own_slug_and_others_carry_a_digest() -> None:
    assert slugs(["Payments", "Retail Banking"]) == ["payments", "retail-banking"]
    assert all(re.search("-?[0-9a-f]{8}$", slug) for slug in slugs(["Zürich", "東京", "Portfolio", "Foo 4k", "a/b"]))


def test_a_uid_stays_when_other_value_streams_come_and_go_or_change_places() -> None:
    alone = [slugs([name])[0] for name in ODD]
    marked = [slug for name, slug in zip(ODD, alone, strict=True) if re.search("[0-9a-f]{8}$", slug)]
    assert set(marked) <= set(slugs(ODD))
    assert set(slugs(ODD)) == set(slugs(ODD[::-1]))


def target_panel(wall: Board) -> dict[str, object]:
    (panel,) = (panel for panel in panels(wall) if "targets" in panel["title"])
    return panel


def test_targets_stand_with_their_bounds_on_the_wall_of_their_value_stream() -> None:
    walls = made("One", "Two", more=TARGETS)
    one = target_panel(walls["flowgauge-wall-one"])
    assert [query["legendFormat"] for query in one["targets"]] == ['quick "now", at most 2d', "steady, at least 3"]
    all_streams = target_panel(walls["flowgauge-wall-portfolio"])
    assert [query["legendFormat"] for query in all_streams["targets"]] == ["debt, at least 0.1 and at most 0.3"]
    assert not [panel for panel in panels(walls["flowgauge-wall-two"]) if "targets" in panel["title"]]


def test_a_target_is_green_at_its_bound_and_red_beyond() -> None:
    walls = made("One", "Two", more=TARGETS)
    quick, steady = colours(walls["flowgauge-wall-one"])
    assert (shown(quick, 172_800), shown(quick, 172_801)) == ("green", "red")
    assert (shown(steady, 2), shown(steady, 3)) == ("red", "green")
    (debt,) = colours(walls["flowgauge-wall-portfolio"])
    assert [shown(debt, share) for share in (0.09, 0.1, 0.3, 0.31)] == ["red", "green", "green", "red"]


def colours(wall: Board) -> list[list[tuple[float | None, str]]]:
    overrides = target_panel(wall)["fieldConfig"]["overrides"]
    properties = [{each["id"]: each["value"] for each in override["properties"]} for override in overrides]
    return [[(step["value"], step["color"]) for step in each["thresholds"]["steps"]] for each in properties]


def shown(steps: list[tuple[float | None, str]], value: float) -> str:
    """Return the colour that Grafana shows: of the last step at or below the value."""
    return [color for bound, color in steps if bound is None or bound <= value][-1]


def test_without_a_limit_the_wall_shows_items_in_place_of_ratios() -> None:
    assert "flow_load_ratio" not in json.dumps(made("One"))


BACKLOGS = """
backlogs:
  - {backlog: 'big "epics" $x', home: portfolio, holds: {item_type: [Epic]}}
  - {backlog: features, home: art, holds: {item_type: [Feature]}}
  - {backlog: stories, home: team}
"""


def asked_backlogs(wall: Board) -> dict[str, set[str]]:
    """Return the backlogs that each panel asks for, by its title."""
    found: dict[str, set[str]] = {}
    for query in queries_of(wall, {}):
        for part in parts(promql_parser.parse(query.expr)):
            if isinstance(part, VectorSelector):
                values = {m.value for m in part.matchers.matchers if m.name == "backlog"}
                found.setdefault(query.panel, set()).update(values)
    return {title.split(": ")[1]: backlogs for title, backlogs in found.items() if backlogs}


def test_each_panel_of_a_wall_shows_the_home_backlog_of_the_level_that_it_is_about() -> None:
    walls = made("One", more=BACKLOGS)
    one = asked_backlogs(walls["flowgauge-wall-one-4k"])
    assert one.pop("flow load by team, stories") == {"stories"}
    assert one.pop("flow load by ART, features") == {"features"}
    assert set(map(frozenset, one.values())) == {frozenset({"features"})}
    every = asked_backlogs(walls["flowgauge-wall-portfolio-4k"])
    assert every.pop("flow load by team, stories") == {"stories"}
    assert every.pop("flow load by value stream, features") == {"features"}
    assert set(map(frozenset, every.values())) == {frozenset({'big "epics" $x'})}
    assert all(title.endswith(', big "epics" $x') for title in every)


def test_a_limit_of_another_backlog_is_no_limit_on_the_wall() -> None:
    text = """
version: 1
portfolio: {load_limit: 5}
organisation:
  - value_stream: One
    load_limit: {stories: 90}
    arts:
      - {art: A, load_limit: {features: 9}, teams: [{team: T}]}
workflows: [{name: w, states: {active: [Doing]}}]
"""
    written = files(parse_config(text + BACKLOGS, "flow.yaml"), "http://runbooks")
    ratio = {name: set(re.findall(r'flow_load_ratio\{[^}]*level=\\"(\w+)', text)) for name, text in written.items()}
    assert ratio["walls/flowgauge-wall-one-4k.json"] == {"art"}
    assert ratio["walls/flowgauge-wall-portfolio-4k.json"] == {"portfolio"}


def test_at_most_six_targets_are_shown_and_the_title_says_of_how_many() -> None:
    many = "\n".join(
        f"  - {{name: t{n}, level: value_stream, value_stream: One, metric: load, at_most: {n}}}" for n in range(1, 9)
    )
    panel = target_panel(made("One", more=f"targets:\n{many}\n")["flowgauge-wall-one"])
    assert len(panel["targets"]) == 6
    assert panel["title"].endswith("targets (6 of 8)")
