"""An outside consumer of the feed sees each change once, whatever happens to the workers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import pytest
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.produce import ProduceRequest
from faust.types import TP
from kafka import KafkaConsumer, TopicPartition

from stream.faust_edge.latest import Latest, latest
from stream.kafka.outbox import Outbox, Row
from tests.contract.documents import validator
from tests.kafka.jars import REPOSITORY
from tests.kafka.scrape import merged_metrics, wait_until
from tests.kafka.topics import Record, count_records, produce
from tests.kafka.worker import Deployment, Worker, all_ready, stop_all
from tests.oracle.rules import Json
from tests.oracle.series import series

pytestmark = pytest.mark.kafka

NOW = datetime.now(UTC).replace(microsecond=0)
FLOW = """\
version: 1
organisation:
  - value_stream: Pay
    arts: [{art: A, load_limit: 3, teams: [{team: One, load_limit: 2}]}]
  - value_stream: Care
    arts: [{art: B, teams: [{team: Two, load_limit: 2}, {team: Three}]}]
  - value_stream: Lend
    arts: [{art: C, teams: [{team: Four, load_limit: 2}]}]
workflows:
  - name: all
    states: {new: [New], active: [Doing], done: [Done]}
item_types: {feature: [Story]}
windows: [7d]
targets:
  - {name: focus, level: team, team: Two, metric: load, at_most: 2}
  - {name: short queue, level: art, art: A, metric: load, at_most: 3}
  - {name: delivery, level: value_stream, value_stream: Lend, metric: velocity, window: 7d, at_least: 1}
  - {name: speed, level: team, team: Three, metric: flow_time, quantile: 0.5, window: 7d, at_most: 1d}
"""
LIMITS = [
    ("art", "all", "Pay", "A"),
    ("team", "all", "Pay", "A", "One"),
    ("team", "all", "Care", "B", "Two"),
    ("team", "all", "Lend", "C", "Four"),
]
SWINGING = [*(("limit", *names) for names in LIMITS), ("target", "focus"), ("target", "short queue")]
STEADY = {("target", "delivery"): ["missed"], ("target", "speed"): ["met"]}
TEAMS = ("One", "Two", "Four")
ITEMS = 5
APART_MS = 990
# The session of a worker that was killed ends after 20 seconds.
PATIENCE = 90.0


class Follower:
    """Reads both topics as an outside consumer, in a thread, as they grow."""

    def __init__(self, deployment: Deployment) -> None:
        self._topics = [deployment.topic("metrics"), deployment.topic("alerts")]
        self._places = [TopicPartition(t, p) for t in self._topics for p in range(deployment.items_partitions)]
        self._bootstrap = deployment.broker.bootstrap
        self._records: list[Any] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, auto_offset_reset="earliest")
        consumer.assign(self._places)
        consumer.seek_to_beginning()
        while not self._end.is_set():
            for records in consumer.poll(timeout_ms=50).values():
                self._records += records
        consumer.close()

    def _of(self, topic: str) -> dict[tuple[str, ...], list[Any]]:
        found = defaultdict(list)
        for record in list(self._records):
            if record.topic == topic:
                found[tuple(json.loads(record.key))].append(record)
        return found

    @property
    def measured(self) -> dict[tuple[str, ...], list[Any]]:
        """Return the records of each node."""
        return self._of(self._topics[0])

    @property
    def alerts(self) -> dict[tuple[str, ...], list[Json]]:
        """Return the changes of each limit and target."""
        return {key: [json.loads(record.value) for record in found] for key, found in self._of(self._topics[1]).items()}

    def notices(self) -> dict[tuple[str, ...], list[str]]:
        """Return the notices of each limit and target."""
        return {key: [one["type"].split(".")[-1] for one in found] for key, found in self.alerts.items()}


class Portfolio:
    """Items that are all started and all put back, each event a minute after the one before."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.events: list[Json] = []
        self.expected = {key: ["met"] if key[0] == "target" else [] for key in SWINGING} | STEADY
        self._step([("Three", "Doing"), ("Four", "New"), ("Three", "Done")])

    def _step(self, moves: Sequence[tuple[str, str]]) -> None:
        time = NOW - timedelta(days=5) + len(self.events) * timedelta(minutes=1)
        events = [
            {
                "specversion": "1.0",
                "id": f"{len(self.events) + number}",
                "source": "t",
                "type": "flow.item.changed",
                "time": (time + timedelta(minutes=number)).isoformat(),
                "data": {"item": f"{team}-{item}", "team": team, "item_type": "Story", "state": state},
            }
            for number, (item, (team, state)) in enumerate((item, move) for move in moves for item in range(ITEMS))
        ]
        self.events += events
        many = [Record(one["data"]["item"].encode(), json.dumps(one).encode()) for one in events]
        produce(self._deployment.broker, self._deployment.topic("events"), many)

    def up(self) -> None:
        """Start all items, so that every limit is exceeded."""
        self._step([(team, "Doing") for team in TEAMS])
        self._expect("passed", "missed")

    def down(self) -> None:
        """Put all items back, so that every limit is met again."""
        self._step([(team, "New") for team in TEAMS])
        self._expect("recovered", "met")

    def _expect(self, of_limits: str, of_targets: str) -> None:
        for key in SWINGING:
            self.expected[key] = [*self.expected[key], of_limits if key[0] == "limit" else of_targets]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_each_change_is_told_once_over_sigkill_at_awkward_moments(deployment: Deployment, stack: ExitStack) -> None:
    deployment.create_topics()
    feed, portfolio = stack.enter_context(Follower(deployment)), Portfolio(deployment)
    worker = stack.enter_context(_worker(deployment, "w1")).wait_ready()
    _wait_for_notices(feed, portfolio)
    for step, moment in (
        (portfolio.up, lambda: _begun(worker) == ITEMS * len(TEAMS)),
        (portfolio.down, lambda: _begun(worker) == 0),
        (portfolio.up, lambda: any("passed" in notices[-1:] for notices in feed.notices().values())),
        (portfolio.down, lambda: any("recovered" in notices[-1:] for notices in feed.notices().values())),
    ):
        step()
        wait_until(moment, "the moment to kill the worker")
        worker.kill()
        worker.start().wait_ready()
        _wait_for_notices(feed, portfolio)
    portfolio.up()
    _wait_for_notices(feed, portfolio)
    _settled(feed, portfolio, deployment, worker)
    worker.stop()


def test_each_change_is_told_once_while_workers_come_and_go(deployment: Deployment, stack: ExitStack) -> None:
    deployment = replace(deployment, items_partitions=3)
    deployment.create_topics()
    feed, portfolio = stack.enter_context(Follower(deployment)), Portfolio(deployment)
    first, second = (stack.enter_context(_worker(deployment, "w1")).wait_ready(), _worker(deployment, "w2"))
    _wait_for_notices(feed, portfolio)
    stack.enter_context(second)
    for step in (portfolio.up, portfolio.down, portfolio.up):
        step()
        _wait_for_notices(feed, portfolio)
    all_ready([first, second])
    wait_until(
        lambda: feed.measured[("portfolio", "all")][-1].value is None, "the portfolio, which nobody knows now, to go"
    )
    portfolio.down()
    first.kill()
    _wait_for_notices(feed, portfolio)
    first.start()
    portfolio.up()
    _wait_for_notices(feed, portfolio)
    all_ready([first, second])
    portfolio.down()
    second.stop()
    _wait_for_notices(feed, portfolio)
    first.wait_ready()
    _settled(feed, portfolio, deployment, first)
    stop_all([first])


@pytest.mark.parametrize(("idempotent", "written"), [(True, 1), (False, 2)])
def test_a_request_that_is_repeated_is_written_once(deployment: Deployment, idempotent: bool, written: int) -> None:
    deployment.create_topics()
    topic = deployment.topic("alerts")

    async def write() -> None:
        outbox = Outbox([deployment.broker.bootstrap], 10.0, lambda: None, idempotent=idempotent)
        await outbox.start()
        client: Any = outbox._producer.client if outbox._producer else None
        send, lost = client.send, []

        async def lose_the_first_answer(node: int, request: Any, **options: Any) -> Any:
            answer = await send(node, request, **options)
            # A broker may refuse the first request for a new topic; such an answer is not about a write.
            if isinstance(request, ProduceRequest) and not lost and _is_written(answer):
                lost.append(request)
                raise KafkaConnectionError
            return answer

        client.send = lose_the_first_answer
        await outbox.write({TP(topic, 0): [Row(b"key", b"value")]})
        await outbox.stop()
        assert lost

    asyncio.run(write())
    assert count_records(deployment.broker, topic) == written


def test_the_newest_of_each_key_is_read_from_an_offset_to_the_end(deployment: Deployment) -> None:
    deployment.create_topics()
    # Kafka lets nobody delete records from a topic that is only compacted.
    empty, full = TP(deployment.topic("metrics"), 0), TP(deployment.topic("dead-letters"), 0)
    many = [Record(b"%d" % (n % 7), b"%d" % n) for n in range(5_000)]
    produce(deployment.broker, full.topic, [*many, Record(b"3", None)])

    def read(start: int) -> dict[TP, Latest]:
        return asyncio.run(latest([deployment.broker.bootstrap], {empty: 0, full: start}))

    everything = {b"%d" % (n % 7): b"%d" % n for n in range(5_000)} | {b"3": None}
    assert read(0) == {empty: Latest({}, 0), full: Latest(everything, 5_001)}
    assert read(4_999)[full].values == {b"1": b"4999", b"3": None}
    assert read(5_001)[full] == Latest({}, 5_001)
    asyncio.run(_delete_before(deployment, full, 4_998))
    assert read(0)[full].values == {b"0": b"4998", b"1": b"4999", b"3": None}


def test_the_example_consumer_follows(deployment: Deployment, stack: ExitStack) -> None:
    deployment = replace(deployment, prefix="flow.")
    deployment.create_topics()
    portfolio, printed = Portfolio(deployment), deployment.folder / "printed"
    example = REPOSITORY / "docs" / "examples" / "follow_feed.py"
    with printed.open("w") as out:
        follower = subprocess.Popen([sys.executable, str(example), deployment.broker.bootstrap], stdout=out)
    stack.callback(follower.wait)
    stack.callback(follower.kill)
    stack.enter_context(_worker(deployment, "w1")).wait_ready()

    def lines() -> list[str]:
        return printed.read_text().splitlines()

    wait_until(lambda: len(lines()) == _count(portfolio.expected), "the first notices", PATIENCE)
    portfolio.up()
    wait_until(lambda: len(lines()) == _count(portfolio.expected), "the later notices", PATIENCE)
    time = NOW.isoformat().replace("+00:00", "Z")
    assert f"{time} flow.limit.passed Pay/A/One all load limit 5 since {time}" in lines()
    assert f"{time} flow.target.missed Pay/A all short queue 5 since {time}" in lines()


def _is_written(answer: Any) -> bool:
    return all(code == 0 for _topic, partitions in answer.topics for _partition, code, *_offset in partitions)


def _worker(deployment: Deployment, name: str) -> Worker:
    return Worker(deployment, deployment.config(FLOW), clock=NOW.isoformat(), name=name)


async def _delete_before(deployment: Deployment, tp: TP, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.broker.bootstrap)
    await admin.start()
    await admin.delete_records({AioTopicPartition(*tp): RecordsToDelete(before_offset=offset)})
    await admin.close()


def _begun(worker: Worker) -> float:
    series = merged_metrics([worker]).items() if worker.alive else ()
    return sum(value for (name, _), value in series if name == "flow_load_items")


def _wait_for_notices(feed: Follower, portfolio: Portfolio) -> None:
    """Wait until all expected notices are written, and no others."""
    wait_until(
        lambda: _count(feed.notices()) >= _count(portfolio.expected), f"{portfolio.expected} to be written", PATIENCE
    )
    assert feed.notices() == {key: changes for key, changes in portfolio.expected.items() if changes}


def _count(notices: dict[tuple[str, ...], list[str]]) -> int:
    return sum(map(len, notices.values()))


def _settled(feed: Follower, portfolio: Portfolio, deployment: Deployment, worker: Worker) -> None:
    """Check everything that the outside consumer has read, once nothing changes any more."""
    log = deployment.folder / "log.jsonl"
    log.write_text("".join(json.dumps(one) + "\n" for one in portfolio.events))
    config = str(deployment.folder / "flow.yaml")
    done = deployment.run("replay", str(log), "-c", config, "--at", NOW.isoformat(), "--json")
    assert done.returncode == 0, done.stderr
    expected = {
        (one["level"], one["backlog"], *filter(None, _names(one))): one for one in json.loads(done.stdout)["nodes"]
    }
    wait_until(lambda: _newest(feed) == expected, "the numbers of a replay in flow.metrics")
    _as_in_metrics(worker, expected)
    _well_formed(feed)


def _names(node: Json) -> list[str]:
    return [node["value_stream"], node["art"], node["team"]]


def _newest(feed: Follower) -> dict[tuple[str, ...], Json]:
    newest = {key: records[-1].value for key, records in feed.measured.items()}
    data = {key: json.loads(value)["data"] for key, value in newest.items() if value is not None}
    assert {one.pop("at") for one in data.values()} == {NOW.isoformat().replace("+00:00", "Z")}
    return data


def _as_in_metrics(worker: Worker, nodes: dict[tuple[str, ...], Json]) -> None:
    shown = merged_metrics([worker])
    for node in nodes.values():
        own = {label: node[label] for label in ("level", "value_stream", "art", "team", "backlog")}

        def has(name: str, value: float | None, own: dict[str, str] = own, **labels: str) -> None:
            assert shown.get(series(name, **own, **labels)) == value, (name, own, labels)

        has("flow_load_limit_items", node["load"]["limit"])
        has("flow_item_age_max_seconds", node["age"]["max"])
        has("flow_time_mean_seconds", node["windows"]["7d"]["flow_time"]["mean"], window="7d")
        has("flow_efficiency_ratio", node["windows"]["7d"]["efficiency"], window="7d")
        for target in node["targets"]:
            labels = {"target": target["name"], "metric": target["metric"]}
            has("flow_target_actual_value", target["actual"], **labels)
            has("flow_target_met", float(target["met"]), **labels)
            since = NOW.timestamp() if target["met"] else None
            has("flow_target_met_since_timestamp_seconds", since, **labels)
        if node["level"] == "team":
            team = {(label, node[label]) for label in ("value_stream", "art", "team", "backlog")}
            items = sum(value for (name, has), value in shown.items() if name == "flow_load_items" and team <= has)
            assert items == node["load"]["items"]


def _well_formed(feed: Follower) -> None:
    alert, measured = validator("alert"), validator("node-measured")
    for found in feed.alerts.values():
        for one in found:
            alert.validate(one)
        numbers = [int(one["sequence"]) for one in found]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len({one["id"] for one in found}) == len(found)
    for key, records in feed.measured.items():
        for one in records:
            if one.value is not None:
                measured.validate(json.loads(one.value))
        for former, one in pairwise(records):
            assert one.timestamp - former.timestamp >= APART_MS, key
            assert _numbers(former) != _numbers(one), key


def _numbers(record: Any) -> Json | None:
    return None if record.value is None else json.loads(record.value)["data"]
