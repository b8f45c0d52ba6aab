"""Epics, features and stories of the simulated portfolio: parents, points, flow, and loads near their limits."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from typing import Any

import pytest

from stream.demo.portfolio import LEAD_IN, history_days
from stream.events.event import DAY
from stream.events.time import parse_time
from tests.demo.lives import (
    CANCELLED,
    DONE,
    END,
    NEW,
    START,
    STARTED,
    Key,
    config,
    history,
    limits,
    lives,
    loads,
    of,
    owner,
    projects,
    teams,
)

SEEDS = (1, 2, 3)
ABOVE = {"stories": "features", "features": "epics"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parent_is_an_item_of_the_backlog_above_in_the_same_source(seed: int) -> None:
    shares = {}
    for name, above in ABOVE.items():
        parents = of(seed, above)
        children = [life for life in of(seed, name).values() if "parent" in life.data]
        assert all(life.data["parent"] in parents for life in children)
        shares[name] = len(children) / len(of(seed, name))
    assert 0.4 < shares["stories"] < 0.7
    assert 0.3 < shares["features"] < 0.7
    assert not any("parent" in life.data for life in of(seed, "epics").values())
    sources = {event["data"]["item"]: event["source"] for event in history(seed)}
    linked = [(life.data["item"], life.data["parent"]) for life in lives(seed).values() if "parent" in life.data]
    assert all(sources[child] == sources[parent] for child, parent in linked)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parent_exists_before_its_children(seed: int) -> None:
    seen: set[str] = set()
    for event in history(seed):
        assert "parent" not in event["data"] or event["data"]["parent"] in seen
        seen.add(event["data"]["item"])


@pytest.mark.parametrize("seed", SEEDS)
def test_an_item_starts_with_its_first_child_and_is_done_after_its_last(seed: int) -> None:
    children: dict[str, list[Any]] = {}
    for life in lives(seed).values():
        children.setdefault(life.data.get("parent", ""), []).append(life)
    finished = 0
    for name in ABOVE.values():
        for item, life in of(seed, name).items():
            begun = [started for child in children.get(item, []) if (started := child.first(STARTED)) is not None]
            assert life.first(STARTED) == (min(begun) if begun else None)
            if (done := life.first(DONE)) is None:
                continue
            finished += 1
            assert all(child.deleted or child.now((*DONE, *CANCELLED)) for child in children[item])
            ends = [child.last((*DONE, *CANCELLED)) for child in children[item] if not child.deleted]
            assert done > max(end for end in ends if end is not None)
    assert finished > 300


@pytest.mark.parametrize("seed", SEEDS)
def test_some_items_are_estimated_and_some_are_not(seed: int) -> None:
    for name, low, high in (("stories", 0.05, 0.3), ("features", 0.05, 0.3), ("epics", 1.0, 1.0)):
        # What has not been analysed has no estimate yet.
        ready = [life for life in of(seed, name).values() if life.first(STARTED) is not None]
        assert low <= sum("points" not in life.data for life in ready) / len(ready) <= high
    values = {life.data["points"] for life in of(seed, "features").values() if "points" in life.data}
    assert all(value % 5 == 0 for value in values)


def test_each_node_above_the_teams_owns_work_of_its_backlog() -> None:
    for name in ABOVE.values():
        level = 2 if name == "features" else 1
        owners = {owner(life.data) for life in of(1, name).values()}
        assert owners == {path for path in projects().values() if (len(path) == 2) == (level == 2)}
    assert {owner(life.data) for life in of(1, "stories").values()} == set(teams().values())


def weekly_loads(seed: int) -> list[Counter[Key]]:
    """Return the load of each node and backlog, once a week after the first three."""
    due = parse_time((START + timedelta(days=21, hours=5)).isoformat())
    samples: list[Counter[Key]] = []
    for time, load, _ in loads(seed):
        while time > due:
            samples.append(Counter(load))
            due += 7 * DAY
    return samples


@pytest.mark.parametrize("seed", SEEDS)
def test_loads_stay_near_their_limits(seed: int) -> None:
    samples = weekly_loads(seed)
    limit = limits()
    shares = {key: mean(each[key] for each in samples) / value for key, value in limit.items()}
    assert all(0.3 < share < 1.15 for share in shares.values())
    above = [key for key in limit if any(each[key] > limit[key] for each in samples)]
    assert {name for name, _ in above} == {"epics", "features", "stories"}
    for art in (path for path in projects().values() if len(path) == 2):
        assert all(each["features", art] >= 2 for each in samples)
        assert max(each["features", art] for each in samples) < 2 * limit["features", art]
    for team in teams().values():
        assert mean(each["stories", team] > 0 for each in samples) > 0.8
    assert all(each["epics", ()] >= 3 for each in samples)


@pytest.mark.parametrize("seed", SEEDS)
def test_features_take_weeks_and_epics_months(seed: int) -> None:
    days = {
        name: [
            (done - (life.first(STARTED) or done)) / DAY
            for life in of(seed, name).values()
            if (done := life.first(DONE)) is not None
        ]
        for name in ("stories", "features", "epics")
    }
    assert 1 < median(days["stories"]) < 5
    assert 12 < median(days["features"]) < 35
    assert 50 < median(days["epics"]) < 120
    for name in ABOVE.values():
        inside = [life for life in of(seed, name).values() if life.now(STARTED)]
        assert max(parse_time(END.isoformat()) - (life.first(STARTED) or 0) for life in inside) > 30 * DAY
        seen = of(seed, name).values()
        assert any(life.now(CANCELLED) for life in seen)
        assert any("blocked" in life.data for life in seen)
        assert any(life.now(NEW) for life in seen)


def test_two_whole_increments_lie_behind_the_running_one() -> None:
    increments = config().program_increments
    assert [pi.name for pi in increments if START.date() <= pi.start and pi.end < END.date()] == ["2026.3", "2026.4"]
    finished: Counter[tuple[str, str]] = Counter()
    for life in lives(1).values():
        if (done := life.first(DONE)) is not None:
            day = datetime.fromtimestamp(done / 1_000_000, UTC).date()
            finished.update((life.backlog, pi.name) for pi in increments if pi.start <= day <= pi.end)
    for pi in ("2026.3", "2026.4", "2026.5"):
        assert finished["stories", pi] > 1000
        assert finished["features", pi] > 60
        assert finished["epics", pi] >= 3


@pytest.mark.parametrize("day", ["2026-11-27", "2026-10-12", "2026-10-11", "2026-12-28", "2027-01-04", "2029-12-31"])
def test_the_history_of_the_demo_begins_before_the_second_last_whole_increment(day: str) -> None:
    now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    start = now - timedelta(days=history_days(int(now.timestamp()) * 1_000_000))
    begun = [pi for pi in config().program_increments if pi.start <= now.date()]
    assert start.date() + LEAD_IN == begun[-3].start
    assert begun[-2].end < now.date()
    assert timedelta(days=120) < now - start < timedelta(days=270)
