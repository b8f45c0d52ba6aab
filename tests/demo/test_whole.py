"""The demo as a newcomer starts it: broker, worker and portfolio in one process tree, moving gauges, a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from tests.oracle.brute_force import parse_metrics

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 120


def wait(happened: Callable[[], bool], what: str) -> None:
    """Wait for another process; an AssertionError says what did not happen."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.2)


def read(address: str) -> str:
    """Fetch a page of the worker."""
    with urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def children(pid: int) -> list[int]:
    """List the descendants of a process, from /proc."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] + [grand for child in found for grand in children(int(child))]


def test_the_demo_shows_moving_gauges_and_ends_cleanly(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "stream", "demo", "--days", "20", "--seed", "7"]
        demo = subprocess.Popen(command, cwd=REPOSITORY, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait(lambda: "Ctrl-C ends everything" in log.read_text() or demo.poll() is not None, "addresses")
        found = re.search(r"http://127\.0\.0\.1:\d+/metrics", log.read_text())
        assert found, log.read_text()
        address = found.group()
        assert json.loads(read(address.replace("metrics", "ready"))) == {"ready": True, "reasons": []}
        first = parse_metrics(read(address))
        owners = Counter(dict(labels)["backlog"] for name, labels in first if name == "flow_item_age_lower_bound_items")
        assert owners == {"stories": 24, "features": 6, "epics": 4}
        assert any(name == "flow_time_quantile_seconds" and ("level", "portfolio") in labels for name, labels in first)
        assert sum(value for (name, _), value in first.items() if name == "flow_velocity_items") > 0
        below = children(demo.pid)
        assert len(below) >= 2
        wait(lambda: moved(first, parse_metrics(read(address))), "a gauge that moves")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, log.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert "Traceback" not in log.read_text()
    wait(lambda: not any(alive(pid) for pid in below), "the end of all children")


def moved(before: dict[object, float], after: dict[object, float]) -> bool:
    """Return whether the live phase has changed any count of items."""
    counts = {"flow_load_items", "flow_state_items", "flow_arrivals_items"}
    return any(before.get(series) != value for series, value in after.items() if series[0] in counts)  # type: ignore[index]


def alive(pid: int) -> bool:
    """Return whether a process still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
