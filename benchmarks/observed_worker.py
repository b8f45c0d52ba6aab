"""The worker, with each observation of freshness written to a file: its own histogram is too coarse for a p99.

These are flowgauge's own observations: from the broker's timestamp of an event (its arrival in the topic, just before
it is acknowledged) until the snapshot that counts it is published. Arguments: the flow.yaml, and the file for
(instant, seconds) pairs.
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
    """Write each observation of freshness to the file, which is complete when the worker has ended."""
    file = path.open("wb")
    atexit.register(file.close)
    inner = numbers.observe_freshness

    def observed(seconds: float) -> None:
        file.write(PAIR.pack(wall_time() / 1_000_000, seconds))
        inner(seconds)

    numbers.observe_freshness = observed  # type: ignore[method-assign]


def observations(path: Path) -> list[tuple[float, float]]:
    """Read the observations: instants (seconds since 1970) and freshness (seconds)."""
    return [(at, seconds) for at, seconds in PAIR.iter_unpack(path.read_bytes())]


if __name__ == "__main__":
    os.environ["FLOW_CONFIG"] = sys.argv[1]
    from stream.app import make_app

    app = make_app()
    observe(app.worker.engine.numbers, Path(sys.argv[2]))
    app.Worker(loglevel="warn").execute_from_commandline()
