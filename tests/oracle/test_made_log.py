"""The made log says enough: what a test on it compares is far from nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.oracle.brute_force import gauges
from tests.oracle.logs import Log
from tests.oracle.made_log import EVENTS, ITEMS, write_log
from tests.oracle.rules import Json


def test_it_is_the_same_each_time(made_log: Log, tmp_path: Path) -> None:
    assert write_log(tmp_path).path.read_bytes() == made_log.path.read_bytes()


def test_it_has_the_size_of_the_real_log(made_events: list[Json]) -> None:
    assert len(made_events) == EVENTS == 6_660
    assert len({event["id"] for event in made_events}) == EVENTS
    assert len({event["data"]["item"] for event in made_events}) == ITEMS == 1_487
    times = [datetime.fromisoformat(event["time"]) for event in made_events]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(days=3 * 365)


def test_it_has_what_the_real_log_is_hard_by(made_events: list[Json]) -> None:
    found: dict[str, int] = defaultdict(int)
    for one, other in [pair for life in _lives(made_events) for pair in pairwise(life)]:
        was, now = one["data"], other["data"]
        found["repeated"] += was["state"] == now["state"]
        found["re-opened"] += was["state"] == "Closed/Solved"
        found["handed over"] += was["team"] != now["team"]
        found["retyped"] += "item_type" in now
        found["within a minute"] += _pause(one, other) < timedelta(minutes=1)
        found["after months"] += _pause(one, other) > timedelta(days=100)
    for event in made_events:
        found["state without sub-status"] += event["data"]["state"] == "Lost"
        found["withdrawn"] += event["data"]["state"] == "Closed/Withdrawn"
        found["unowned"] += event["data"]["team"] == "Guests"
    few = {"state without sub-status", "withdrawn"}
    assert {name: count for name, count in found.items() if count < (3 if name in few else 25)} == {}


def test_the_oracle_counts_much_in_it(made_log: Log) -> None:
    early, busy, late = (gauges(made_log.events, made_log.config, at) for at in made_log.instants)
    assert len(early) > 50
    for shown in (busy, late):
        assert len(shown) > 1_000
        names = {name for name, _ in shown}
        assert names >= {
            "flow_load_items",
            "flow_load_ratio",
            "flow_state_items",
            "flow_arrivals_items",
            "flow_velocity_items",
            "flow_time_seconds_bucket",
            "flow_time_quantile_seconds",
            "flow_efficiency_ratio",
            "flow_distribution_ratio",
            "flow_item_age_quantile_seconds",
            "flow_state_seconds",
        }
        assert {value for _, labels in shown for name, value in labels if name == "team"} >= {"House", "unassigned"}
        assert sum(value for (name, _), value in shown.items() if name == "flow_load_items") > 50
        assert sum(value for (name, _), value in shown.items() if name == "flow_velocity_items") > 1_000
    assert any(name == "flow_unmapped_items" for name, _ in late)


def _lives(events: list[Json]) -> list[list[Json]]:
    lives: dict[str, list[Json]] = defaultdict(list)
    for event in events:
        lives[event["data"]["item"]].append(event)
    return list(lives.values())


def _pause(one: Json, other: Json) -> timedelta:
    return datetime.fromisoformat(other["time"]) - datetime.fromisoformat(one["time"])
