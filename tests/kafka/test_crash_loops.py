"""No foreign record ends a worker, at its start or later. Kafka has its own default limits."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
import zstandard
from aiokafka.record._crecords import default_records

from tests.kafka.events import DAYS_AGO, FLOW, event, total
from tests.kafka.scrape import wait_until
from tests.kafka.test_memory import compressed
from tests.kafka.topics import Record, count_records, produce, read_topic
from tests.kafka.worker import Deployment, Worker

pytestmark = pytest.mark.kafka


@pytest.fixture
def one(deployment: Deployment) -> Deployment:
    """A deployment with its topics, of one partition each."""
    one = replace(deployment, events_partitions=1)
    one.create_topics()
    return one


def test_an_item_with_very_many_long_states_is_counted(one: Deployment) -> None:
    states = ["Doing", *[f"{number:04}".ljust(256, "é") for number in range(1_100)], "Done"]
    produce(one.broker, one.topic("events"), [event(1, number, state=state) for number, state in enumerate(states)])
    # Ten minutes each, from five days ago on: the finish is still to come.
    clock = (DAYS_AGO + timedelta(days=10)).isoformat()
    with Worker(one, one.config(FLOW), clock=clock) as worker:
        worker.wait_ready()
        assert total(worker, "flow_velocity_items") == 1
        assert total(worker, "flow_summaries_merged_total") >= 1
        assert total(worker, "flow_state_seconds") == total(worker, "flow_elapsed_seconds") == 1_101 * 600
        worker.stop()


def test_records_of_others_that_nest_deeply_are_passed_over_in_every_topic(one: Deployment) -> None:
    deep = Record(b"1", b"[" * 5_000)
    topics = ("events", "items", "metrics", "alerts")
    produce(one.broker, one.topic("events"), [event(1, 0, state="Doing")])
    for topic in topics:
        produce(one.broker, one.topic(topic), [deep])
    with Worker(one, one.config(FLOW)) as worker:
        worker.wait_ready()
        assert total(worker, "flow_load_items") == 1
        assert total(worker, "flow_dead_letters_total", reason="not_json") == 1
        for topic in topics[1:]:
            name = one.topic(topic)
            wait_until(lambda name=name: total(worker, "flow_unreadable_records_total", topic=name) == 1, name)
            assert f"{name}[0] at offset 0 under the key b'1' cannot be read and is skipped: " in worker.log
        # Also while it runs.
        produce(one.broker, one.topic("items"), [deep])
        wait_until(lambda: total(worker, "flow_unreadable_records_total", topic=one.topic("items")) == 2, "the second")
        assert total(worker, "flow_load_items") == 1
        # Compaction keeps the newest record of each key, so that must be the item's summary again.
        wait_until(lambda: read_topic(one.broker, one.topic("items"))[-1].value != deep.value, "the summary again")
        worker.stop()


def test_records_of_others_in_the_histories_end_no_worker(one: Deployment) -> None:
    name, config = one.topic("histories"), one.config(FLOW)
    produce(one.broker, one.topic("events"), [event(item, 0, state="Doing") for item in (1, 2)])
    with Worker(one, config, name="w1") as worker:
        assert total(worker.wait_ready(), "flow_load_items") == 2
        worker.stop()
    [row, _] = [record.value or b"" for record in read_topic(one.broker, name)]
    # Item 1 is overwritten with something that is no row, item 2 with a row whose entries are no events.
    odd = [
        Record(b"1", b"[" * 5_000),
        Record(b"2", row[:25] + b'[[0,"",0,"x",{"state":7},1,0,"t"]]'),
        Record(b"3", b""),
    ]
    first = count_records(one.broker, name)
    produce(one.broker, name, odd)
    produce(one.broker, one.topic("events"), [event(item, 1, state="Done") for item in (1, 2)])
    # Another configuration, so that each row is read.
    with Worker(one, one.config(FLOW.replace("feature:", "defect:"), "other.yaml"), name="w2") as worker:
        worker.wait_ready()
        assert total(worker, "flow_velocity_items", item_type="defect") == 1
        assert total(worker, "flow_events_total", outcome="applied") == 1
        rejected = total(worker, "flow_events_total", outcome="rejected")
        assert rejected == total(worker, "flow_dead_letters_total", reason="unreadable_history") >= 1
        assert total(worker, "flow_unreadable_records_total", topic=name) >= 3
        assert f"{name}[0] at offset {first} under the key b'1' cannot be read and is skipped: " in worker.log
        worker.stop()
    letters = [letter for letter in read_topic(one.broker, one.topic("dead-letters")) if letter.key == b"2"]
    assert letters
    assert "the history of the item cannot be read" in str(letters[0].header("flow_detail"))
    # The foreign record of item 1 is overwritten in turn, so that compaction keeps the item's history.
    newest = {record.key: record.value for record in read_topic(one.broker, name)}
    assert newest[b"1"] is not None
    assert newest[b"1"].startswith(b"\2")
    # The row of item 2 is repaired from the log and the dead letter.
    produce(one.broker, name, [Record(b"2", None)])
    with Worker(one, config, name="w3") as worker:
        worker.wait_ready()
        again = [event(2, number, state=state) for number, state in enumerate(["Doing", "Done"])]
        produce(one.broker, one.topic("events"), again)
        wait_until(lambda: total(worker, "flow_velocity_items") == 2, "both items")
        worker.stop()


def test_a_refused_record_that_is_larger_than_the_letters_topic_takes_is_kept(
    one: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed(one, "events", "gzip", [Record(b"spaces", b" " * 30_000_000)])
    # Repetitions six megabytes apart are small only for a compressor with much memory.
    noise = random.Random(1).randbytes(6_000_000) * 4
    far = zstandard.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=True)
    hard = zstandard.ZstdCompressor(compression_params=far)
    monkeypatch.setattr(default_records, "zstd_encode", lambda payload: hard.compress(bytes(payload)))
    compressed(one, "events", "zstd", [Record(b"noise", noise)])
    produce(one.broker, one.topic("events"), [event(1, 0, state="Doing")])
    with Worker(one, one.config(FLOW)) as worker:
        worker.wait_ready()
        assert total(worker, "flow_load_items") == 1
        assert total(worker, "flow_dead_letters_total", reason="too_large") == 2
        worker.stop()
    kept = read_topic(one.broker, one.topic("dead-letters"))
    assert [(letter.key, letter.header("flow_part")) for letter in kept] == [
        (b"spaces", None),
        (b"noise", "1"),
        (b"noise", "2"),
        (b"noise", "3"),
    ]
    assert kept[0].value == b" " * 30_000_000
    assert b"".join(letter.value or b"" for letter in kept[1:]) == noise
    listed = [json.loads(line) for line in one.run("dead-letters", "list", "--json").stdout.splitlines()]
    assert [(row["key"], row["size"], row["offset"]) for row in listed] == [
        ("spaces", 30_000_000, 0),
        ("noise", len(noise), 1),
    ]
    redriven = one.run("dead-letters", "redrive", "--offset", "1", "--yes")
    assert "sent 0, skipped 1" in redriven.stdout
    assert "skipping 1 kept in parts: larger than any event may be" in redriven.stderr
