"""Quix Streams: a stateful update, with the state in RocksDB and a changelog in Kafka.

With its defaults: at least once, checkpoints every 5 s, orjson. `run` ends with a checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from quixstreams import Application, State

from benchmarks.contestants.tally import Tally


def run(broker: str, topic: str, count: int, name: str, folder: Path) -> None:
    """Read the topic from its beginning and count."""
    tally = Tally(count)
    app = Application(
        broker_address=broker,
        consumer_group=name,
        auto_offset_reset="earliest",
        state_dir=folder / "quix",
        loglevel="WARNING",
    )

    def update(value: dict[str, Any], state: State) -> None:
        data = value["data"]
        team, reached = data["team"], data["state"]
        tally.move(state.get("last"), team, reached)
        state.set("last", [team, reached])

    stream = app.dataframe(app.topic(topic, key_deserializer="str", value_deserializer="json"))
    stream.update(update, stateful=True)
    app.run(count=count, collect=False)
    tally.done()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
