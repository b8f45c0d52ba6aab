"""The simulated portfolio: repeatable, in order, plausible, and in line with its `portfolio.yaml`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from stream.demo.portfolio import simulate
from stream.demo.worktime import LIVE_SPEED, WatchedSpan
from stream.events.decode import decode_value
from stream.events.event import EventType
from stream.events.time import parse_time
from tests.demo.lives import END, START, Key, config, history, limits, lives, loads, of, states, teams

ARRIVAL = int(END.timestamp()) * 1_000_000


def passed_and_recovered(seed: int) -> tuple[set[Key], set[Key]]:
    """Return the nodes, by backlog, that exceeded their limit, and those of them that came back below it."""
    limit = limits()
    over: set[Key] = set()
    passed: set[Key] = set()
    recovered: set[Key] = set()
    for _, load, changed in loads(seed):
        for key in changed & limit.keys():
            if load[key] > limit[key]:
                over.add(key)
                passed.add(key)
            elif key in over:
                over.remove(key)
                recovered.add(key)
    return passed, recovered


def test_the_organisation_has_its_size_and_limits_at_every_level() -> None:
    organisation = config().organisation
    assert len(organisation) == 3
    assert sum(len(stream.arts) for stream in organisation) == 6
    assert len(teams()) == 24
    assert len(limits()) == 1 + 3 * 3 + 2 * 6 + 24


def test_same_seed_same_events() -> None:
    assert tuple(simulate(1, START, END)) == history(1)
    assert tuple(islice(simulate(2, START), 1000)) != history(1)[:1000]


def test_without_an_end_it_goes_on() -> None:
    endless = tuple(islice(simulate(1, START), len(history(1)) + 100))
    assert endless[: len(history(1))] == history(1)
    assert parse_time(endless[-1]["time"]) > ARRIVAL


def test_events_are_in_order_between_start_and_end() -> None:
    times = [parse_time(event["time"]) for event in history(1)]
    assert all(first <= second for first, second in pairwise(times))
    assert times[0] >= START.timestamp() * 1_000_000
    assert times[-1] <= ARRIVAL
    sequences = [event["sequence"] for event in history(1)]
    assert all(first < second for first, second in pairwise(sequences))


def test_every_event_is_accepted_and_has_a_name_of_its_own() -> None:
    names = set()
    for envelope in history(1):
        event = decode_value(orjson.dumps(envelope), ARRIVAL)
        names.add((event.source, event.id))
    assert len(names) == len(history(1))


def test_an_item_begins_with_all_that_rules_need() -> None:
    first: dict[str, dict[str, Any]] = {}
    for event in history(1):
        first.setdefault(event["data"]["item"], event["data"])
    needed = {"key", "title", "state", "item_type", "project"}
    assert all(needed <= data.keys() for data in first.values())
    stories = [first[item] for item in of(1, "stories")]
    assert {data["team"] for data in stories} == set(teams())
    trains = [art for stream in config().organisation for art in stream.arts]
    owned = {rule["component"] for art in trains for team in art.teams for rule in team.owns}
    assert len(owned) == 8
    assert owned <= {data["component"] for data in stories}


def test_states_and_types_are_those_of_the_configuration() -> None:
    known = states("new", "active", "waiting", "done", "cancelled")
    seen = {event["data"]["state"] for event in history(1) if "state" in event["data"]}
    assert seen == known
    types = {event["data"]["item_type"] for event in history(1) if "item_type" in event["data"]}
    assert types == {name for names in config().item_types.values() for name in names}


def test_a_history_has_the_size_and_the_mishaps_of_a_real_one() -> None:
    events = history(1)
    assert 40_000 <= len(events) <= 80_000
    items = lives(1)
    done, ended = states("done"), states("cancelled")
    seen: Counter[str] = Counter()
    last: dict[str, str] = {}
    for event in events:
        data = event["data"]
        state = data.get("state")
        seen["re-opened"] += state is not None and last.get(data["item"]) in done
        seen["cancelled"] += state in ended
        seen["blocked"] += data.get("blocked") is True
        seen["moved"] += "team" in data and "key" not in data
        seen["retyped"] += "item_type" in data and "key" not in data
        seen["returned"] += state in states("new") and data["item"] in last
        seen["deleted"] += event["type"] == EventType.DELETED
        last[data["item"]] = state or last[data["item"]]
    share = {name: count / len(items) for name, count in seen.items()}
    assert 0.02 < share["re-opened"] < 0.06
    assert 0.03 < share["cancelled"] < 0.08
    assert 0.01 < share["moved"] < 0.04
    assert 0.1 < share["blocked"] < 0.5
    assert share["retyped"] > 0.005
    assert share["returned"] > 0.01
    assert share["deleted"] > 0.001


def test_blocked_items_say_why() -> None:
    assert all(event["data"]["blocked_reason"] for event in history(1) if event["data"].get("blocked"))


def test_limits_are_passed_and_recover() -> None:
    for seed in (1, 2, 3):
        passed, recovered = passed_and_recovered(seed)
        levels = Counter((backlog, len(path)) for backlog, path in passed)
        assert levels["stories", 3] >= 12
        assert levels["features", 2] >= 3
        assert levels["epics", 1] + levels["epics", 0] >= 1
        assert len(recovered) >= len(passed) - 6


def test_work_rests_at_night_and_at_weekends_until_it_is_watched() -> None:
    local = [
        datetime.fromisoformat(event["time"]).astimezone(ZoneInfo(str(config().time_zone))) for event in history(1)
    ]
    assert all(time.weekday() < 5 and 9 <= time.hour < 18 for time in local)
    sunday = datetime(2026, 9, 13, 3, tzinfo=UTC)
    watched = simulate(1, START, sunday + timedelta(hours=1), live=[WatchedSpan(sunday, None)])
    live = [event for event in watched if datetime.fromisoformat(event["time"]) >= sunday]
    assert 3600 / 3 < len(live) < 3600 * 3


def test_watching_changes_when_things_happen_but_not_what() -> None:
    ended = START + timedelta(days=10, hours=5)
    for end in (None, ended):
        watched = list(islice(simulate(1, START, live=[WatchedSpan(START + timedelta(days=10), end)]), 6000))
        assert [{**event, "time": ""} for event in watched] == [{**event, "time": ""} for event in history(1)[:6000]]
        times = [parse_time(event["time"]) for event in watched]
        assert times == sorted(times)
    assert LIVE_SPEED > 1
