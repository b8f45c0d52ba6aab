"""The memory of an item: prints bytes. Arguments: `in_progress`, `finished` or `finished_before`, and how many.

It is the growth of a process's resident memory by the rows and boards of the items. Rows are compressed as in a worker
at rest, garbage is collected and the heap trimmed. `row` is an item's history itself, uncompressed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from benchmarks.engine.filled import Filled
from benchmarks.processes import rss_of
from benchmarks.run import now
from benchmarks.workload import Keyed, event, team_name
from stream.clock import wall_time
from stream.flow.report import Reading

TEAMS = 40
WARM_UP = 2_000
LIVES = {
    "in_progress": ("To Do", "In Progress", "Ready for Review", "In Review"),
    "finished": ("To Do", "In Progress", "Ready for Review", "In Review", "Ready for Test", "Done"),
    "finished_before": ("To Do", "In Progress", "Ready for Review", "In Review", "Ready for Test", "Done"),
}
# The longest window is 90 days.
AGE = {"in_progress": 20, "finished": 20, "finished_before": 150}


def lives(kind: str, first: int, count: int, today: datetime) -> Iterator[Keyed]:
    """Yield all events of that many items of one kind, spread over a month."""
    for number in range(first, first + count):
        item = f"{number:09}"
        begun = today - timedelta(days=AGE[kind] + 30 * (number - first) / count)
        for step, state in enumerate(LIVES[kind]):
            time = begun + timedelta(days=step)
            yield item.encode(), event(step, item, team_name(number % TEAMS), state, time)


def run(kind: str, count: int) -> dict[str, float]:
    """Fill the state, and measure its memory."""
    today = now()
    filled = Filled(TEAMS, wall_time())
    reading = Reading(filled.config, filled.boards)
    filled.take(lives(kind, count, WARM_UP, today))
    reading.read(filled.now)
    deque(filled.rows.compress(), maxlen=0)
    before, rows = _weight(), len(filled.rows)
    filled.take(lives(kind, 0, count, today))
    reading.read(filled.now)
    deque(filled.rows.compress(), maxlen=0)
    after = _weight()
    if len(filled.rows) - rows != count:
        raise RuntimeError(f"{len(filled.rows) - rows} rows instead of {count}")
    row = sum(map(len, filled.rows.values())) / len(filled.rows)
    return {"bytes_an_item": (after - before) / count, "row_bytes": row}


def _weight() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return rss_of(os.getpid())


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
