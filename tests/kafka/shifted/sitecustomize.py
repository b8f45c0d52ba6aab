"""Shifts the wall clock of a process. Python imports this file at its start if the folder is in PYTHONPATH.

The file that FLOWGAUGE_TEST_CLOCK names has the seconds that are added to flowgauge's clock. It may change at any time.
"""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["FLOWGAUGE_TEST_CLOCK"])
_time_ns = time.time_ns


def _shifted() -> int:
    return _time_ns() + int(_FILE.read_text() or 0) * 1_000_000_000


time.time_ns = _shifted
if os.environ.get("FLOWGAUGE_TEST_CLOCK_OF_ALL"):
    # Kafka's client takes the records' timestamps from this clock.
    time.time = lambda: _shifted() / 1e9
