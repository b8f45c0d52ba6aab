"""The worker with its freshness written down event by event: its own histogram is too coarse for a p99.

What is written is what flowgauge observes itself: from the broker's timestamp of an event (its arrival in the topic,
just before it is acknowledged) until the snapshot that counts it hangs where a scrape reads it. Arguments: the
flow.yaml, and the file for (instant, seconds) pairs.
"""

from __future__ import annotations

import atexit
import os
import struct
import sys
from pathlib import Path

from stream.clock import wall_time
from stream.gauges.engine_numbers import EngineNumbers

PAIR = struct.Struct("<dd")


def observe(numbers: EngineNumbers, path: Path) -> None:
    """Write down each observation of freshness from now on; the file is complete when the worker has ended."""
    file = path.open("wb")
    atexit.register(file.close)
    inner = numbers.observe_freshness

    def observed(seconds: float) -> None:
        file.write(PAIR.pack(wall_time() / 1_000_000, seconds))
        inner(seconds)

    numbers.observe_freshness = observed  # type: ignore[method-assign]


def observations(path: Path) -> list[tuple[float, float]]:
    """Read back what was written: when (seconds since 1970) and how fresh (seconds)."""
    return [(at, seconds) for at, seconds in PAIR.iter_unpack(path.read_bytes())]


if __name__ == "__main__":
    os.environ["FLOW_CONFIG"] = sys.argv[1]
    from stream.app import make_app

    app = make_app()
    observe(app.worker.engine.numbers, Path(sys.argv[2]))
    app.Worker(loglevel="warn").execute_from_commandline()
