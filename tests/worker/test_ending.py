"""A worker ends, whatever else is stuck."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from stream.gauges.snapshot import EXPIRED, STOPPING, Published, Snapshot

STUCK = """
import signal, sys, time
from stream.worker import ending
from stream.worker.ending import Ending
from stream.gauges.snapshot import Published

ending.HARD_AFTER = 0.2
published = Published()
end = Ending(published)
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
    assert errors.startswith("flowgauge: ended after")
    assert errors.count("\n") == 1


def test_a_stopping_worker_shows_nothing() -> None:
    published = Published()
    published.snapshot = Snapshot(5, (), (), items=3, partitions=frozenset({1}))
    assert published.snapshot.ready
    published.stopping = True
    assert published.snapshot == Snapshot(5, (), (STOPPING,), items=3)
    published.snapshot = Snapshot(6, (), ())
    assert not published.snapshot.ready


@pytest.mark.parametrize(("now", "shown"), [(9.0, True), (10.0, True), (10.1, False)])
def test_a_snapshot_is_shown_until_its_lease_is_over(now: float, *, shown: bool) -> None:
    published = Published(lambda: now)
    published.snapshot = Snapshot(5, (), (), partitions=frozenset({0}), until=10.0)
    assert published.snapshot == (
        Snapshot(5, (), (), partitions=frozenset({0}), until=10.0) if shown else Snapshot(5, (), (EXPIRED,))
    )
