"""The simulated objectives: planned before they are reached, within a PI, and accepted by the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from stream.config.loading import load_config
from stream.demo.portfolio import PORTFOLIO, simulate, simulate_with_objectives
from stream.demo.worktime import WatchedSpan
from stream.events.decode import decode_value
from stream.events.event import EventType

START = datetime(2026, 8, 25, 10, tzinfo=UTC)
END = START + timedelta(days=90)
ARRIVAL = int(END.timestamp()) * 1_000_000

Json = dict[str, Any]


def history(*, live: datetime | None = None) -> list[Json]:
    spans = [WatchedSpan(live, None)] if live else []
    events = simulate_with_objectives(1, START, live=spans)
    return list(takewhile(lambda event: datetime.fromisoformat(event["time"]) <= END, events))


def of_objectives(events: list[Json]) -> list[Json]:
    return [event for event in events if event["type"] == EventType.OBJECTIVE]


def values(events: list[Json]) -> dict[str, Json]:
    """Return each objective after all of its events."""
    found: dict[str, Json] = {}
    for event in of_objectives(events):
        found.setdefault(event["data"]["objective"], {}).update(event["data"])
    return found


def test_the_work_items_are_those_of_the_simulation_without_objectives() -> None:
    items = [event for event in history() if event["type"] != EventType.OBJECTIVE]
    assert items == list(simulate(1, START, END))


def test_every_event_is_accepted_has_its_own_name_and_follows_in_time() -> None:
    events = history()
    names = {decode_value(orjson.dumps(event), ARRIVAL).id for event in of_objectives(events)}
    assert len(names) == len(of_objectives(events)) > 400
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)


def test_each_team_plans_each_increment_on_its_first_day_of_work_in_it() -> None:
    config = load_config(PORTFOLIO)
    teams = {team.team for stream in config.organisation for art in stream.arts for team in art.teams}
    plans = [event for event in of_objectives(history()) if "planned_value" in event["data"]]
    assert {(event["data"]["pi"], event["data"]["team"]) for event in plans} == {
        (pi, team) for pi in ("2026.4", "2026.5") for team in teams
    }
    days = {datetime.fromisoformat(event["time"]).astimezone(ZoneInfo("Europe/Berlin")).date() for event in plans}
    later = [day for day in days if day >= date(2026, 10, 12)]
    assert min(later) == date(2026, 10, 12)
    assert max(later) < date(2026, 10, 19)


def test_values_are_reached_after_they_are_planned_and_at_most_as_planned() -> None:
    planned: dict[str, int] = {}
    for event in of_objectives(history()):
        data = event["data"]
        if "planned_value" in data:
            planned[data["objective"]] = data["planned_value"]
        else:
            assert 0 <= data["actual_value"] <= planned[data["objective"]]


def test_an_increment_that_is_over_is_assessed_and_the_running_one_is_under_way() -> None:
    found = values(history())
    over = [each for each in found.values() if each["pi"] == "2026.4"]
    assert all("actual_value" in each for each in over)
    ratio = sum(each["actual_value"] for each in over) / sum(
        each["planned_value"] for each in over if each["committed"]
    )
    assert 0.7 < ratio < 1.1
    running = [each for each in found.values() if each["pi"] == "2026.5"]
    assert 0.2 < sum("actual_value" in each for each in running) / len(running) < 0.95


def test_while_it_is_watched_objectives_are_reached_within_minutes() -> None:
    watched = END - timedelta(hours=1)
    live = [event for event in of_objectives(history(live=watched)) if datetime.fromisoformat(event["time"]) > watched]
    assert len(live) >= 6
