"""The feed against a log in memory: nothing twice and nothing left out, whichever worker writes."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import pytest

from stream.errors import KafkaError
from stream.events.event import DAY, SECOND
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers, as_json
from stream.kafka.places import TP
from stream.kafka.read_results import Latest
from stream.worker.feed import NODES_A_WRITE
from tests.flow.material import FLOW
from tests.worker.feeds import Log, Worker, nothing
from tests.worker.nodes import AT, CARDS, CARDS_KEY, CREDIT, CREDIT_KEY, PORTFOLIO, PORTFOLIO_KEY, begun, team


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_node_is_sent_when_its_numbers_change_and_not_again(log: Log) -> None:
    async def scenario() -> None:
        worker = await Worker(log).take(0)
        assert not any(log.records.values())
        for load in (1, 1, 2, 2, 1):
            await worker.show(team(load))

    asyncio.run(scenario())
    assert [value["data"]["load"]["items"] for _, value in log.of("metrics")] == [1, 2, 1]
    key, value = log.of("metrics")[0]
    assert key == CARDS_KEY
    assert value["data"] == json.loads(json.dumps({"at": value["time"], **as_json(team(1), AT)}))


def test_numbers_that_are_in_no_record_send_none(log: Log) -> None:
    async def scenario() -> None:
        worker = await Worker(log).take(0)
        await worker.show(team(states={"Backlog": 1}))
        await worker.show(team(states={"Backlog": 2}))

    asyncio.run(scenario())
    assert len(log.of("metrics")) == 1


def test_growing_older_is_told_once_a_minute(log: Log) -> None:
    def since(second: int) -> NodeNumbers:
        start = AT + second * SECOND
        return team(1, ages=begun(start), blocked_since=start)

    async def scenario() -> None:
        worker = await Worker(log).take(0)
        for second in range(150):
            await worker.show(since(0), at=AT + second * SECOND)
            if second == 70:
                worker = await Worker(log).take(0)
        for second in range(150, 300):
            await worker.show(since(second - 150), at=AT + second * SECOND)

    asyncio.run(scenario())
    assert [value["data"]["blocked_age_max"] for _, value in log.of("metrics")] == [0, 60, 120, 150]


def test_an_age_that_was_corrected_is_told_at_once_also_by_a_clock_that_stands_still(log: Log) -> None:
    async def scenario() -> None:
        worker = await Worker(log).take(0)
        for days in (2, 2, 5):
            await worker.show(team(1, ages=begun(AT - days * DAY)))

    asyncio.run(scenario())
    assert [value["data"]["age"]["max"] for _, value in log.of("metrics")] == [2 * 86_400, 5 * 86_400]


def test_a_restart_repeats_nothing_and_misses_nothing(log: Log) -> None:
    async def scenario() -> None:
        await (await Worker(log).take(0)).show(team(3))
        again = await Worker(log).take(0)
        await again.show(team(3), at=AT + SECOND)
        assert again.published.met_since == {}
        assert log.notices() == ["passed", "missed"]
        third = await Worker(log).take(0)
        await third.show(team(1), at=AT + 2 * SECOND)
        await third.show(team(1), at=AT + 3 * SECOND)
        assert third.published.met_since == {"focus": AT + 2 * SECOND}
        fourth = await Worker(log).take(0)
        assert fourth.published.met_since == {"focus": AT + 2 * SECOND}

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed", "recovered", "met"]
    assert [value["data"]["lasted_seconds"] for _, value in log.of("alerts")] == [None, None, 2.0, 2.0]
    assert len(log.of("metrics")) == 2


def test_many_nodes_are_written_in_parts_and_no_more_of_them_after_a_halt(log: Log) -> None:
    def teams(load: int) -> list[NodeNumbers]:
        return [
            team(load, Node("team", "Payments", "Checkout", f"{number:04}", "all"))
            for number in range(2 * NODES_A_WRITE)
        ]

    async def scenario() -> None:
        worker, gate, writes = await Worker(log).take(0), asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            writes.set()
            await gate.wait()

        log.before = wait
        writing = asyncio.create_task(worker.show(*teams(3)))
        await writes.wait()
        halting = asyncio.create_task(worker.revoke())
        await asyncio.sleep(0.01)
        gate.set()
        await asyncio.gather(writing, halting)
        assert len(log.of("metrics")) == NODES_A_WRITE
        again = await Worker(log).take(0)
        await again.show(*teams(3))
        await again.show(*teams(3))

    asyncio.run(scenario())
    assert len(log.of("metrics")) == 2 * NODES_A_WRITE
    assert log.notices() == ["passed"] * 2 * NODES_A_WRITE


def test_a_crash_after_the_write_repeats_nothing(log: Log) -> None:
    async def crash() -> None:
        raise KafkaError("not acknowledged")

    async def scenario() -> None:
        worker = await Worker(log).take(0)
        log.after = crash
        with pytest.raises(KafkaError):
            await worker.show(team(3))
        log.after = nothing
        await (await Worker(log).take(0)).show(team(3))

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed"]
    assert len(log.of("metrics")) == 1


def test_halt_waits_for_a_write_that_is_under_way(log: Log) -> None:
    async def scenario() -> None:
        worker, gate = await Worker(log).take(0), asyncio.Event()
        log.before = gate.wait
        writing = asyncio.create_task(worker.show(team(3)))
        await asyncio.sleep(0.01)
        halting = asyncio.create_task(worker.revoke())
        await asyncio.sleep(0.01)
        assert not halting.done()
        gate.set()
        await asyncio.gather(writing, halting)
        assert len(log.of("metrics")) == 1
        await worker.show(team(1))

    asyncio.run(scenario())
    assert len(log.of("metrics")) == 1


def test_what_was_read_under_a_former_assignment_does_not_count(log: Log) -> None:
    async def scenario() -> None:
        worker, gate = Worker(log), asyncio.Event()
        worker.assign(0)
        log.arriving = gate.wait
        reading = asyncio.create_task(worker.feed.publish())
        await asyncio.sleep(0.01)
        log.arriving = nothing
        await worker.revoke()
        await (await Worker(log).take(0)).show(team(3))
        worker.assign(0)
        gate.set()
        await reading
        await worker.show(team(3))
        await worker.show(team(3))

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed"]


def test_a_partition_that_comes_back_is_read_from_where_it_was(log: Log) -> None:
    async def scenario() -> None:
        first = await Worker(log).take(0)
        await first.show(team(3))
        await first.revoke()
        await (await Worker(log).take(0)).show(team(1))
        await first.take(0)
        await first.show(team(1))

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed", "recovered", "met"]
    assert log.reads[-1] == {TP("metrics", 0): 1, TP("alerts", 0): 2}


def test_kafka_that_does_not_answer_is_asked_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_brokers: Sequence[str], _starts: Mapping[TP, int]) -> dict[TP, Latest]:
        raise KafkaError("no answer")

    async def scenario() -> None:
        await (await Worker(log).take(0)).show(team(3))
        worker = Worker(log)
        with monkeypatch.context() as silent:
            silent.setattr(log, "latest", refuse)
            await worker.take(0)
            await worker.show(team(1))
        assert log.notices() == ["passed", "missed"]
        await worker.show(team(1))
        await worker.show(team(1))

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed", "recovered", "met"]


def test_what_somebody_else_wrote_is_passed_over_counted_and_named(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    data = {**CARDS._asdict(), "metric": "load", "since": "2026-01-01T00:00:00Z"}
    alert = json.dumps({"type": "flow.target.met", "sequence": "1", "data": data}).encode()
    other = [
        (b"\xff", b"{}"),
        (b"[]", None),
        (b'["team"]', b"?"),
        (b'["target","focus"]', b'{"data":[]}'),
        (b"7", b"7"),
        *((b'["team","Payments","Checkout","Cards"]', value) for value in (b'{"data":"x"}', b'{"data":5}', b"null")),
        (b'["team","Lending","Loans","Credit"]', b"[" * 5_000),
        *(
            (key, alert)
            for key in (b'["target"]', b"[]", b'""', b'{"a":1}', b'["limit"]', b'["limit","team","Payments"]')
        ),
    ]

    async def scenario() -> None:
        for topic in ("metrics", "alerts"):
            log.records[TP(topic, 0)] += other
        worker = Worker(log)
        await (await worker.take(0)).show(team(3))
        # The newest record of each key.
        assert worker.numbers.unreadable == {"metrics": 12, "alerts": 12}
        for topic in ("metrics", "alerts"):
            del log.records[TP(topic, 0)][: len(other)]

    asyncio.run(scenario())
    assert log.notices() == ["passed", "missed"]
    assert [key for key, value in log.of("metrics") if value is not None] == [CARDS_KEY]
    assert [line.split(":")[0] for line in caplog.messages] == [
        f"{topic}[0] at offset 0 under the key b'\\xff' cannot be read and is skipped"
        for topic in ("metrics", "alerts")
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"sequence": 7},
        {"sequence": ""},
        {"type": []},
        {"data": []},
        {"data": {}},
        {"data": {"since": 5}},
        {"type": "x"},
    ],
)
def test_an_alert_with_odd_parts_is_passed_over(log: Log, odd: dict[str, object]) -> None:
    asyncio.run(_told_once(log))
    alerts = log.records[TP("alerts", 0)]
    key, value = alerts[0]
    alerts.append((key, json.dumps(json.loads(value or b"") | odd).encode()))
    worker = asyncio.run(_told_once(log))
    assert worker.numbers.unreadable == {"alerts": 1}
    # Its notices are written once more.
    assert len(alerts) == 4
    assert (alerts[3][0], json.loads(alerts[3][1] or b"")["data"]) == (key, json.loads(value or b"")["data"])


def test_a_change_has_a_number_whatever_number_the_last_one_was_given(log: Log) -> None:
    asyncio.run(_told_once(log))
    key, value = log.records[TP("alerts", 0)][0]
    many = json.loads(value or b"") | {"sequence": "9" * 4_300}
    log.records[TP("alerts", 0)].append((key, json.dumps(many).encode()))

    async def scenario() -> None:
        await (await Worker(log).take(0)).show(team(0))

    asyncio.run(scenario())
    assert log.notices()[-2:] == ["recovered", "met"]


@pytest.mark.parametrize("age", [{"mean": "1"}, {"max": []}, {"mean": {}}])
def test_numbers_with_odd_ages_are_passed_over(log: Log, age: dict[str, object]) -> None:
    asyncio.run(_told_once(log))
    key, value = log.records[TP("metrics", 0)][0]
    body = json.loads(value or b"")
    body["data"]["age"] |= age
    log.records[TP("metrics", 0)].append((key, json.dumps(body).encode()))
    asyncio.run(_told_once(log))
    again, sent = log.records[TP("metrics", 0)][-1]
    assert (again, json.loads(sent or b"")["data"]["load"]["items"]) == (key, 3)


async def _told_once(log: Log) -> Worker:
    worker = Worker(log)
    await (await worker.take(0)).show(team(3))
    return worker


def test_nothing_is_said_of_a_partition_that_is_not_ready(log: Log) -> None:
    async def scenario() -> None:
        worker = await Worker(log, 2).take(0, 1)
        await worker.show(team(3), team(0, CREDIT))
        await worker.show(ready=())
        await worker.show(team(1), ready=[0])

    asyncio.run(scenario())
    assert [key for key, _ in log.of("metrics")] == [CARDS_KEY, CARDS_KEY, CREDIT_KEY]
    assert log.notices() == ["passed", "missed", "recovered", "met"]


def test_a_node_that_is_gone_leaves_a_tombstone(log: Log) -> None:
    async def scenario() -> None:
        await (await Worker(log).take(0)).show(team(3), team(0, CREDIT))
        worker = await Worker(log).take(0)
        await worker.show(team(0, CREDIT))
        await worker.show(team(0, CREDIT))

    asyncio.run(scenario())
    assert log.of("metrics")[2:] == [(CARDS_KEY, None)]
    gone = [key for key, value in log.of("alerts") if value is None]
    assert sorted(gone) == [("limit", *CARDS_KEY), ("target", "focus")]


def test_a_passed_limit_of_a_node_that_is_not_shown_any_more_has_recovered(log: Log) -> None:
    async def scenario() -> None:
        await (await Worker(log, flow=FLOW).take(0)).show(team(3), team(0, CREDIT))
        worker = await Worker(log, flow=FLOW).take(0)
        await worker.show(team(0, CREDIT))
        await worker.show(team(0, CREDIT))

    asyncio.run(scenario())
    limits = [value for key, value in log.of("alerts") if key == ("limit", *CARDS_KEY)]
    assert [value["type"] for value in limits] == ["flow.limit.passed", "flow.limit.recovered"]
    assert limits[-1]["data"]["value"] == 0


def test_the_portfolio_is_told_by_who_has_all_partitions_and_gone_when_nobody_has(log: Log) -> None:
    portfolio = team(3, PORTFOLIO, limit=None)

    async def scenario() -> None:
        one, other = Worker(log, 2), Worker(log, 2)
        await one.take(0, 1)
        await one.show(team(), team(0, CREDIT), portfolio)
        await one.show(team(), ready=[0])
        assert [value is None for key, value in log.of("metrics") if key == PORTFOLIO_KEY] == [False]
        await one.take(0)
        await other.take(1)
        # The published snapshot may still be from before the rebalance.
        await one.show(team(), portfolio)
        await other.show(team(0, CREDIT))

    asyncio.run(scenario())
    assert [value is None for key, value in log.of("metrics") if key == PORTFOLIO_KEY] == [False, True]


@pytest.mark.parametrize("seed", range(20))
def test_each_change_is_told_once_whatever_happens(log: Log, seed: int) -> None:
    chance, newest = Random(seed), 0

    async def perhaps_crash() -> None:
        if chance.random() < 0.2:
            raise KafkaError("killed")

    async def scenario() -> None:
        nonlocal newest
        holder, spare = await Worker(log).take(0), Worker(log)
        for second in range(200):
            newest = chance.choice([newest, 0, 1, 2, 3])
            try:
                log.before, log.after = chance.choice([(nothing, nothing), (perhaps_crash, perhaps_crash)])
                await holder.show(team(newest), at=AT + second * SECOND)
            except KafkaError:
                holder = Worker(log)
                holder.assign(0)
            if chance.random() < 0.1:
                await holder.revoke()
                holder, spare = spare, holder
                holder.assign(0)
        log.before = log.after = nothing
        for _ in range(2):
            await holder.show(team(newest), at=AT + 200 * SECOND)

    asyncio.run(scenario())
    shown = [value["data"]["load"]["items"] for _, value in log.of("metrics")]
    assert all(former != now for former, now in pairwise(shown))
    assert shown[-1] == newest
    by_key = defaultdict(list)
    for key, value in log.of("alerts"):
        by_key[key].append(value)
    for key, notices in by_key.items():
        assert all(former["type"] != now["type"] for former, now in pairwise(notices)), key
        assert all(int(now["sequence"]) == int(former["sequence"]) + 1 for former, now in pairwise(notices)), key
        assert len({one["id"] for one in notices}) == len(notices)
    breached = newest > 2
    assert by_key["target", "focus"][-1]["type"] == ("flow.target.missed" if breached else "flow.target.met")
    swings = [load > 2 for load in shown]
    assert len(by_key["target", "focus"]) == sum(a != b for a, b in pairwise([not swings[0], *swings]))
