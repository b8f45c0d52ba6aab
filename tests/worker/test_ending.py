"""The end of a worker comes, whatever else is stuck."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from stream.gauges.snapshot import EXPIRED, STOPPING, Snapshot, Wall

STUCK = """
import signal, sys, time
from stream.worker import ending
from stream.worker.ending import Ending
from stream.gauges.snapshot import Wall

ending.HARD_AFTER = 0.2
wall = Wall()
end = Ending(wall)
end.watch()
signal.signal(signal.SIGTERM, lambda *_: end.begin())
print("stuck", flush=True)
while True:
    time.sleep(60)
"""


def test_a_process_that_does_not_stop_is_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(STUCK)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stuck\n"
        for _ in range(2):
            os.kill(process.pid, signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("flowgauge: ended, after")
    assert errors.count("\n") == 1


def test_a_wall_that_stops_shows_nothing() -> None:
    wall = Wall()
    wall.snapshot = Snapshot(5, (), (), items=3, partitions=frozenset({1}))
    assert wall.snapshot.ready
    wall.stopping = True
    assert wall.snapshot == Snapshot(5, (), (STOPPING,), items=3)
    wall.snapshot = Snapshot(6, (), ())
    assert not wall.snapshot.ready


@pytest.mark.parametrize(("now", "shown"), [(9.0, True), (10.0, True), (10.1, False)])
def test_a_snapshot_is_shown_until_its_lease_is_over(now: float, *, shown: bool) -> None:
    wall = Wall(lambda: now)
    wall.snapshot = Snapshot(5, (), (), partitions=frozenset({0}), until=10.0)
    assert wall.snapshot == (
        Snapshot(5, (), (), partitions=frozenset({0}), until=10.0) if shown else Snapshot(5, (), (EXPIRED,))
    )
