"""The cost of a scrape: prints seconds and bytes. Arguments: the number of teams, how often.

`seconds` is for the first scrape, which writes all lines. `again_seconds` is for one after a hundredth of the nodes
changed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import median

from benchmarks.engine.filled import Filled
from benchmarks.run import now
from benchmarks.workload import Size, workload
from stream.clock import wall_time
from stream.flow.board import WindowNumbers
from stream.flow.report import NodeNumbers, Reading
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.metrics import Metrics
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published, Snapshot

ITEMS_A_TEAM = 3
EVENTS_AN_ITEM = 4


def run(teams: int, times: int) -> dict[str, float]:
    """Fill the boards, read them as the worker's snapshot does, and render the page."""
    filled = Filled(teams, wall_time())
    items = ITEMS_A_TEAM * teams
    events = workload(Size(EVENTS_AN_ITEM * items, items, teams), now())
    filled.take(chain.from_iterable(events.partitions))
    begun = time.monotonic()
    nodes = Reading(filled.config, filled.boards).read(filled.now)
    reading = time.monotonic() - begun
    published = Published()
    published.snapshot = Snapshot(filled.now, tuple(nodes), (), items)
    first, again = [], []
    for _ in range(times):
        metrics = Metrics(published, EngineNumbers(), Exported.of(filled.config))
        begun = time.monotonic()
        scrape(metrics)
        first.append(time.monotonic() - begun)
        published.snapshot = published.snapshot._replace(nodes=some_changed(published.snapshot.nodes))
        begun = time.monotonic()
        scrape(metrics)
        again.append(time.monotonic() - begun)
    page = b"".join(answer(metrics))
    return {
        "teams": teams,
        "seconds": median(first),
        "again_seconds": median(again),
        "bytes": len(page),
        "samples": sum(not line.startswith(b"#") for line in page.splitlines()),
        "first_snapshot_seconds": reading,
    }


def answer(metrics: Metrics) -> Iterable[bytes]:
    """Request the page."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "QUERY_STRING": ""}
    return metrics(environ, lambda _status, _headers: None)


def scrape(metrics: Metrics) -> None:
    """Request the page, and drop each chunk, as the server does once it is sent."""
    for _ in answer(metrics):
        pass


def some_changed(nodes: Sequence[NodeNumbers]) -> Sequence[NodeNumbers]:
    """Replace one node in a hundred, with all its windows, by another object."""
    return tuple(changed(node) if number % 100 == 0 else node for number, node in enumerate(nodes))


def changed(node: NodeNumbers) -> NodeNumbers:
    """Return a copy of a node's numbers and of each of its windows."""
    return node._replace(windows={label: WindowNumbers(*window) for label, window in node.windows.items()})


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
