"""Prometheus' numbers from the gauges, compared with the engine's own numbers in `flow.metrics`."""

from __future__ import annotations

import json
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta

import pytest
from kafka import KafkaConsumer, TopicPartition

from stream.config.loading import load_config
from stream.events.event import SECOND
from stream.flow.finished import BUCKETS
from tests.dashboards.material import VALUES, Query, queries
from tests.deploy.servers import DEPLOY, Json
from tests.e2e.stack import Stack
from tests.e2e.work import JIRA, event, now
from tests.tools.debian import tool

pytestmark = pytest.mark.e2e

TRIES, PAUSE = 40, 3.0
LEVELS = {
    "art": ("value_stream", "art", "backlog"),
    "value_stream": ("value_stream", "backlog"),
    "portfolio": ("backlog",),
}
# Panels that are empty because nothing is wrong: every item of this configuration has a backlog.
EMPTY = {"Items without a backlog"}


def test_every_query_of_every_dashboard_returns_data(system: Stack) -> None:
    # Counters begin with each process, and a worker may have been killed. So the bad records are sent once more.
    system.feed.refuse()
    system.feed.send([event(JIRA, now() + timedelta(minutes=10), item="early", state="To Do")])
    missing = [each for each in for_each_backlog() if each[0].panel not in EMPTY]
    assert len(missing) > 50
    # Rates need some scrapes.
    for _ in range(TRIES):
        missing = [each for each in missing if not any(system.query(query.expr) for query in each)]
        if not missing:
            break
        time.sleep(PAUSE)
    assert not missing, "\n".join(f"{each.dashboard} / {each.panel}: {each.expr}" for each, *_ in missing)


def for_each_backlog() -> list[tuple[Query, ...]]:
    """Return each query once for each backlog: no team has a limit for features, and no ART one for stories."""
    backlogs = [each.backlog for each in load_config(DEPLOY / "flow.yaml").backlogs]
    return list(zip(*(queries({**VALUES, "backlog": each}) for each in backlogs), strict=True))


def test_what_is_rolled_up_equals_the_engine(system: Stack) -> None:
    # The feed writes every second, and recording rules run every 15 seconds.
    for _ in range(TRIES):
        nodes = last(system)
        wrong = [*sums(system, nodes), *percentiles(system, nodes)]
        if len(nodes) > 8 and not wrong:
            break
        time.sleep(PAUSE)
    assert len(nodes) > 8
    assert not wrong, "\n".join(wrong)


def last(system: Stack) -> list[Json]:
    """Return the newest numbers of each node."""
    partition = TopicPartition(system.deployment.topic("metrics"), 0)
    consumer = KafkaConsumer(bootstrap_servers=system.deployment.broker.bootstrap)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end, found = consumer.end_offsets([partition])[partition], {}
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found |= {record.key: record.value for record in records}
    finally:
        consumer.close()
    return [json.loads(value)["data"] for value in found.values() if value is not None]


def sums(system: Stack, nodes: list[Json]) -> Iterator[str]:
    """Return the roll-ups that differ from the engine's number."""
    for level, place, node in placed(nodes):
        load = node["load"]
        yield from differs(system, f"{level}:flow_load_items:sum", place, load["items"])
        yield from differs(system, f"{level}:flow_load_points:sum", place, load["points"])
        yield from differs(system, f"{level}:flow_load_unestimated_items:sum", place, load["unestimated"])
        for window, numbers in node["windows"].items():
            chosen = f'{{window="{window}"}}'
            for metric in ("velocity", "arrivals"):
                yield from differs(system, f"{level}:flow_{metric}_items:sum{chosen}", place, numbers[metric])
            points = numbers["velocity_points"]
            yield from differs(system, f"{level}:flow_velocity_points:sum{chosen}", place, points)
            yield from differs(system, f"{level}:flow_efficiency:ratio{chosen}", place, numbers["efficiency"])


def placed(nodes: list[Json]) -> Iterator[tuple[str, dict[str, str], Json]]:
    """Yield the nodes above teams, with level, names and backlog."""
    for node in nodes:
        if node["level"] in LEVELS:
            yield node["level"], {name: node[name] for name in LEVELS[node["level"]]}, node


def differs(
    system: Stack, expression: str, place: dict[str, str], expected: float | None, within: float = 1e-9
) -> Iterator[str]:
    """Yield a message if Prometheus has another number for a node."""
    found = system.values(expression, *place).get(tuple(place.values()))
    if found is None or expected is None:
        # A backlog in which nobody owns an item yet has no series to sum.
        same = found is expected or expected == 0
    else:
        same = abs(found - expected) <= within
    if not same:
        yield f"{expression} of {place}: {found}, not {expected}"


def percentiles(system: Stack, nodes: list[Json]) -> Iterator[str]:
    """Return the percentiles that differ from the engine's by more than the width of the bucket."""
    for level, place, node in placed(nodes):
        for window, numbers in node["windows"].items():
            for quantile in ("p50", "p85", "p95"):
                exact = numbers["flow_time"][quantile]
                within = 0.0 if exact is None else width(exact)
                yield from differs(
                    system, f'{level}:flow_time_seconds:{quantile}{{window="{window}"}}', place, exact, within
                )


def width(seconds: float) -> float:
    """Return the width of the bucket of a flow time."""
    bounds = [0.0, *(bound / SECOND for bound in BUCKETS)]
    above = bisect_left(bounds, seconds)
    return bounds[above] - bounds[above - 1]


def test_promtool_finds_nothing_wrong_with_a_live_scrape(system: Stack) -> None:
    """The one exception: the contract has a label `quantile`, which promtool allows only for summaries."""
    quantiles = {
        f'flow_{name}_quantile_seconds non-summary metrics should not have "quantile" label'
        for name in ("time", "item_age")
    }
    for worker in system.workers:
        done = subprocess.run(
            [tool("promtool"), "check", "metrics"], input=worker.metrics(), capture_output=True, text=True, check=False
        )
        assert done.stdout == ""
        assert set(done.stderr.splitlines()) <= quantiles
