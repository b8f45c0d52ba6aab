"""The conditions of the figures: machine, versions, load and date."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.run import Run
from stream import __version__
from stream.build import is_compiled
from tests.kafka.jars import POM

PACKAGES = ("aiokafka", "faust-streaming", "orjson")


def machine(run: Run) -> dict[str, Any]:
    """Return the machine, the versions and the start of the run; `load` is the load average at that time."""
    return {
        "date": run.started.isoformat(timespec="seconds"),
        "quick": run.quick,
        "rounds": run.rounds,
        "compiled": is_compiled(),
        "cpu": _first(r"model name\s*: (.+)", Path("/proc/cpuinfo")),
        "cores": os.cpu_count(),
        "memory_kib": int(_first(r"MemTotal:\s*(\d+)", Path("/proc/meminfo")) or 0),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "versions": {
            "flowgauge": __version__,
            "python": platform.python_version(),
            "kafka": _first(r"<artifactId>kafka_[^<]+</artifactId>\s*<version>([^<]+)", POM),
            **{name: version(name) for name in PACKAGES},
            **peers.versions(),
        },
    }


def _first(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text())
    return found[1] if found else ""
