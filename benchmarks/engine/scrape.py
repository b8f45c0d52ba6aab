"""One scrape's cost at a number of teams: prints seconds and bytes. Arguments: teams, how often."""

from __future__ import annotations

import json
import sys
import time
from itertools import chain
from statistics import median

from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.engine.filled import Filled
from benchmarks.run import now
from benchmarks.workload import Size, workload
from stream.clock import wall
from stream.flow.report import Reading
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.snapshot import Snapshot, Wall

ITEMS_A_TEAM = 3
EVENTS_AN_ITEM = 4


def run(teams: int, times: int) -> dict[str, float]:
    """Fill the boards, read them as the worker's snapshot does, and render the page."""
    filled = Filled(teams, wall())
    items = ITEMS_A_TEAM * teams
    events = workload(Size(EVENTS_AN_ITEM * items, items, teams), now())
    filled.take(chain.from_iterable(events.partitions))
    begun = time.monotonic()
    nodes = Reading(filled.config, filled.boards).read(filled.now)
    reading = time.monotonic() - begun
    hung = Wall()
    hung.snapshot = Snapshot(filled.now, tuple(nodes), (), items)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FlowCollector(hung, EngineNumbers(), filled.config.item_types))
    seconds, page = [], b""
    for _ in range(times):
        begun = time.monotonic()
        page = generate_latest(registry)
        seconds.append(time.monotonic() - begun)
    return {
        "teams": teams,
        "seconds": median(seconds),
        "bytes": len(page),
        "samples": sum(not line.startswith(b"#") for line in page.splitlines()),
        "first_snapshot_seconds": reading,
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
