"""A node's numbers, and their JSON form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from msgspec.structs import replace

from stream.config.model import MAX_STATES, FlowConfig
from stream.events.event import DAY
from stream.flow.boards import Boards
from stream.flow.report import Reading, as_json
from stream.items.summary import FlowState
from tests.flow.material import FLOW, PORTFOLIO, TEAM, configured, doing, done

CONFIG = configured()
SCHEMAS = Path(__file__).parents[2] / "schemas"


def boards(config: FlowConfig = CONFIG) -> Boards:
    found = Boards(config, lambda _: 0)
    found.put(0, b"1", doing(1, blocked_since=5, start_is_lower_bound=True))
    found.put(0, b"2", replace(doing(2, points=500_000), state="Ready", flow_state=FlowState.WAITING))
    found.put(0, b"3", done(4, 2, points=3_000_000, active=DAY, stays={"Ready": DAY, "Doing": DAY}))
    return found


def test_a_node_as_the_contract_writes_it() -> None:
    config = configured(FLOW.replace("[1d, 7d]", "[1d]"))
    (row,) = Reading(config, boards(config)).read(4 * DAY, lambda node: node == TEAM)
    assert (row.lower_bounds, row.states) == (1, {"Doing": 1, "Ready": 1, "Done": 1})
    day = 86_400.0
    two_days = {"count": 1, "mean": 2 * day, "p50": 2 * day, "p85": 2 * day, "p95": 2 * day, "max": 2 * day}
    assert as_json(row, 4 * DAY) == {
        "level": "team",
        "value_stream": "Payments",
        "art": "Checkout",
        "team": "Cards",
        "backlog": "all",
        "load": {
            "items": 2,
            "points": 0.5,
            "unestimated": 1,
            "by_type": {"feature": 2},
            "by_state": {"Doing": 1, "Ready": 1},
            "blocked": 1,
            "limit": 2,
        },
        "age": {"count": 2, "mean": 2.5 * day, "p50": 2.5 * day, "p85": 246_240.0, "p95": 254_880.0, "max": 3 * day},
        "ageing": 1,
        "blocked_age_max": 4 * day - 5e-6,
        "unmapped": {},
        "unmapped_objectives": {},
        "windows": {
            "1d": {
                "arrivals": 0,
                "velocity": 1,
                "velocity_points": 3.0,
                "unestimated": 0,
                "velocity_by_type": {"feature": 1},
                "without_start": 0,
                "flow_time": two_days,
                "active_seconds": day,
                "elapsed_seconds": 2 * day,
                "efficiency": 0.5,
                "distribution": {"feature": 1.0},
                "state_seconds": {"Doing": day, "Ready": day},
            }
        },
        "predictability": {},
        "targets": [],
    }


def test_a_window_that_is_a_period_is_there_once_it_has_begun_and_says_which_it_is() -> None:
    config = configured(
        f"""{FLOW.replace("[1d, 7d]", "[pi, 1d, previous_pi, iteration, previous_iteration]")}
program_increments: [{{name: a, start: 1970-01-01, end: 1970-01-03}}, {{name: b, start: 1970-01-04, end: 1970-01-09}}]
iterations: {{first: 1970-01-03, length: 2d}}
"""
    )
    reading = Reading(config, boards(config))

    def windows(day: int) -> dict[str, Any]:
        (row,) = reading.read(day * DAY, lambda node: node == TEAM)
        return {
            label: {
                name: value for name, value in window.items() if name in {"pi", "iteration", "arrivals", "velocity"}
            }
            for label, window in as_json(row, day * DAY)["windows"].items()
        }

    assert windows(1) == {"pi": {"pi": "a", "arrivals": 1, "velocity": 0}, "1d": {"arrivals": 1, "velocity": 0}}
    assert windows(2)["iteration"] == {"iteration": "1970-01-03", "arrivals": 2, "velocity": 0}
    assert windows(4) == {
        "pi": {"pi": "b", "arrivals": 0, "velocity": 1},
        "1d": {"arrivals": 0, "velocity": 1},
        "previous_pi": {"pi": "a", "arrivals": 3, "velocity": 0},
        "iteration": {"iteration": "1970-01-05", "arrivals": 0, "velocity": 1},
        "previous_iteration": {"iteration": "1970-01-03", "arrivals": 2, "velocity": 0},
    }


def test_without_a_trailing_window_nothing_is_ageing() -> None:
    iterations = "iterations: {first: 1970-01-01, length: 30d}"
    config = configured(f"{FLOW.replace('[1d, 7d]', '[iteration]')}{iterations}\n")
    (row,) = Reading(config, boards(config)).read(4 * DAY, lambda node: node == TEAM)
    assert (row.ageing, row.windows["iteration"].finished.flow_time.count) == (None, 1)


def test_the_states_of_a_node_are_bounded_also_in_json() -> None:
    found = boards()
    for number in range(MAX_STATES + 2):
        found.put(0, b"s%d" % number, replace(doing(2), state=f"s{number:03}", flow_state=FlowState.ACTIVE))
        found.put(0, b"u%d" % number, replace(doing(2), state=f"s{number:03}", flow_state=FlowState.UNMAPPED))
    (row,) = Reading(CONFIG, found).read(4 * DAY, lambda node: node == PORTFOLIO)
    written = as_json(row, 4 * DAY)
    assert (len(written["load"]["by_state"]), written["load"]["by_state"]["other"]) == (MAX_STATES + 1, 4)
    assert written["unmapped"]["other"] == {"other": 2}


def test_names_are_sorted_so_that_equal_numbers_are_equal_text() -> None:
    (row,) = Reading(CONFIG, boards()).read(4 * DAY, lambda node: node == PORTFOLIO)
    written = as_json(row, 4 * DAY)
    assert list(written["load"]["by_state"]) == ["Doing", "Ready"]
    assert list(written["windows"]["7d"]["state_seconds"]) == ["Doing", "Ready"]


def test_every_node_meets_the_published_schema() -> None:
    schema = json.loads((SCHEMAS / "node-metrics.schema.json").read_text())
    rows = Reading(CONFIG, boards()).read(4 * DAY)
    assert len(rows) == 8
    for row in rows:
        Draft202012Validator(schema).validate(as_json(row, 4 * DAY))


def test_numbers_that_were_read_do_not_change_when_the_boards_do() -> None:
    changing = boards()
    before = Reading(CONFIG, changing).read(4 * DAY)
    kept = [as_json(row, 4 * DAY) for row in before]
    for key in (b"1", b"2", b"3"):
        changing.put(0, key, None)
    Reading(CONFIG, changing).read(4 * DAY)
    assert [as_json(row, 4 * DAY) for row in before] == kept
