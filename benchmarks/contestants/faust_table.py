"""Plain Faust: an agent that processes one event at a time, and a Table with its changelog in Kafka.

As Faust's documentation writes it, with its defaults (commits every 2.8 s, acks of all replicas). The store is memory,
which is faster than RocksDB; the changelog is what makes it durable. Set by BENCH_BROKER, BENCH_TOPIC, BENCH_APP and
BENCH_COUNT; with a count of 0 it recovers its table and reports its content.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import faust

from benchmarks.contestants.tally import Tally, by_team, done, phase, reading, say

PARTITIONS = 4
COUNT = int(os.environ["BENCH_COUNT"])

app = faust.App(
    os.environ["BENCH_APP"],
    broker=f"kafka://{os.environ['BENCH_BROKER']}",
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    web_enabled=False,
)
events: Any = app.topic(os.environ["BENCH_TOPIC"], key_type=str, key_serializer="raw", value_serializer="json")
items: Any = app.Table("items", partitions=PARTITIONS)
tally = Tally(COUNT)


@app.agent(events)
async def count(stream: Any) -> AsyncIterator[None]:
    """Keep each item's last team and state, and count."""
    async for value in stream:
        data = value["data"]
        item, team, state = data["item"], data["team"], data["state"]
        finished = tally.move(items.get(item), team, state)
        items[item] = [team, state]
        if finished:
            await app.producer.flush()
            await app.consumer.commit()
            tally.done()
        yield


@app.on_partitions_assigned.connect  # type: ignore[arg-type]
async def _assigned(_: Any, assigned: Any, **__: Any) -> None:
    if not COUNT and assigned:
        reading()


@items.on_recover
async def _recovered() -> None:
    if not COUNT:
        say("recovered")
        done(by_team(Counter((team, phase(state)) for team, state in items.values())))


if __name__ == "__main__":
    app.main()
