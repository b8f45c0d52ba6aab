"""What a release before backlogs wrote into the feed: it is read, and ended or carried over, once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stream.events.event import SECOND
from stream.events.time import format_time
from stream.flow.nodes import Node
from stream.flow.report import as_json
from stream.kafka.places import TP
from stream.worker.feed_messages import node_key, read_node_key
from tests.worker.feeds import Log, Worker
from tests.worker.nodes import AT, CARDS, CARDS_KEY, CREDIT, PORTFOLIO, PORTFOLIO_KEY, team

OLD_CARDS, OLD_PORTFOLIO = ("team", "Payments", "Checkout", "Cards"), ("portfolio",)
BEFORE = AT - 60 * SECOND


@pytest.fixture
def log() -> Log:
    return Log()


def told(log: Log, partition: int = 0, *, load: int = 3, portfolio: bool = False) -> None:
    """Let the release before have written the numbers of Cards, its limit and its target."""
    numbers = team(load)
    found = [(OLD_CARDS, numbers)] + [(OLD_PORTFOLIO, team(load, PORTFOLIO))] * portfolio
    for key, each in found:
        data = {"at": format_time(BEFORE)} | _without_backlog(as_json(each, BEFORE))
        _write(log, TP("metrics", partition), key, {"data": data})
    kind = "passed" if load > 2 else "recovered"
    _alert(log, partition, ("limit", *OLD_CARDS), f"flow.limit.{kind}", {"value": load, "limit": 2})
    target = {"target": "focus", "metric": "load", "actual": load}
    _alert(log, partition, ("target", "focus"), f"flow.target.{'met' if load <= 2 else 'missed'}", target)


def _alert(log: Log, partition: int, key: tuple[str, ...], kind: str, data: dict[str, Any]) -> None:
    names = dict(zip(("level", "value_stream", "art", "team"), OLD_CARDS, strict=True))
    body = {"type": kind, "sequence": f"{7:020d}", "data": {**names, **data, "since": format_time(BEFORE)}}
    _write(log, TP("alerts", partition), key, body)


def _without_backlog(node: dict[str, Any]) -> dict[str, Any]:
    load = {name: part for name, part in node["load"].items() if name not in {"points", "unestimated"}}
    return {name: part for name, part in node.items() if name != "backlog"} | {"load": load}


def _write(log: Log, tp: TP, key: tuple[str, ...], body: dict[str, Any]) -> None:
    log.records[tp].append((json.dumps(key, separators=(",", ":")).encode(), json.dumps(body).encode()))


def upgraded(log: Log, load: int) -> Worker:
    """Let a worker of this release take over, show Cards twice, and let another one follow it."""

    async def scenario() -> Worker:
        for second in range(2):
            worker = await Worker(log).take(0)
            await worker.show(team(load, limit=2), at=AT + second * SECOND)
            await worker.show(team(load, limit=2), at=AT + second * SECOND)
        return worker

    return asyncio.run(scenario())


def test_a_nodes_old_record_is_ended_and_its_numbers_are_sent_with_the_backlog(log: Log) -> None:
    told(log)
    worker = upgraded(log, 3)
    assert worker.numbers.unreadable == {}
    records = log.of("metrics")[1:]
    assert sorted((key, value is None) for key, value in records) == [(OLD_CARDS, True), (CARDS_KEY, False)]
    assert next(value for _, value in records if value)["data"]["backlog"] == "all"


def test_a_limit_that_is_passed_is_told_once_more_and_its_old_key_ended(log: Log) -> None:
    told(log)
    upgraded(log, 3)
    limits = [(key, value) for key, value in log.of("alerts")[2:] if key[0] == "limit"]
    assert sorted((key, value is None) for key, value in limits) == [
        (("limit", *OLD_CARDS), True),
        (("limit", *CARDS_KEY), False),
    ]
    passed = next(value for _, value in limits if value)
    assert (passed["type"], passed["data"]["since"]) == ("flow.limit.passed", format_time(AT))
    assert passed["data"]["backlog"] == "all"


def test_a_limit_that_is_not_passed_is_ended_without_a_notice(log: Log) -> None:
    told(log)
    upgraded(log, 1)
    assert [(key, value) for key, value in log.of("alerts")[2:] if key[0] == "limit"] == [(("limit", *OLD_CARDS), None)]


@pytest.mark.parametrize("load", [1, 3])
def test_a_target_that_stays_as_it_was_is_not_told_again(log: Log, load: int) -> None:
    told(log, load=load)
    worker = upgraded(log, load)
    assert [key for key, _ in log.of("alerts")[2:] if key[0] == "target"] == []
    assert worker.published.met_since == ({"focus": BEFORE} if load <= 2 else {})


def test_a_target_that_changes_follows_its_old_notice(log: Log) -> None:
    told(log)
    upgraded(log, 1)
    [met] = [value for key, value in log.of("alerts")[2:] if key == ("target", "focus")]
    assert (met["type"], met["sequence"]) == ("flow.target.met", f"{8:020d}")
    assert (met["data"]["lasted_seconds"], met["data"]["backlog"]) == (60.0, "all")


def test_the_portfolios_old_record_is_ended_by_who_may_speak_of_it(log: Log) -> None:
    told(log, portfolio=True)

    async def scenario() -> None:
        whole = await Worker(log, 2).take(0, 1)
        # While some partitions are still read, the portfolio is not known, but it is not gone.
        await whole.show(team(3), ready=[0])
        assert (OLD_PORTFOLIO, None) not in log.of("metrics")
        await whole.show(team(3), team(0, CREDIT), team(3, PORTFOLIO, limit=None))

    asyncio.run(scenario())
    told_of = [(key, value is None) for key, value in log.of("metrics") if "portfolio" in key]
    assert told_of[0] == (OLD_PORTFOLIO, False)
    assert sorted(told_of[1:]) == [(OLD_PORTFOLIO, True), (PORTFOLIO_KEY, False)]


@pytest.mark.parametrize(
    "names", [("", "", ""), ("Payments", "", ""), ("Payments", "Checkout", ""), ("Payments", "Checkout", "Cards")]
)
def test_keys_with_and_without_a_backlog_are_read_back(names: tuple[str, str, str]) -> None:
    level = CARDS.level if names[2] else "art" if names[1] else "value_stream" if names[0] else "portfolio"
    for node in (Node(level, *names, "stories"), Node(level, *names)):
        assert read_node_key(node_key(node)) == node
