"""A run of the benchmarks: its broker and folder, its thoroughness, and its results so far."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.broker import Kafka
from benchmarks.processes import Child
from benchmarks.workload import Size, Workload, workload
from stream.clock import wall_time

REPOSITORY = Path(__file__).resolve().parents[1]
LIFE_SECONDS = 1_200.0


@dataclass
class Run:
    """One run on one broker. `quick` measures less, and less often."""

    kafka: Kafka
    folder: Path
    quick: bool
    started: datetime = field(default_factory=lambda: datetime.fromtimestamp(wall_time() / 1_000_000, UTC))
    populated: dict[int, Any] = field(default_factory=dict)
    _workloads: dict[Size, Workload] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """How often each contestant is measured."""
        return 1 if self.quick else 3

    def workload(self, size: Size) -> Workload:
        """Return a workload of that size, made once in each run. Its last event happens when the run begins."""
        if size not in self._workloads:
            self._workloads[size] = workload(size, self.started)
        return self._workloads[size]

    def name(self, what: str) -> str:
        """Return a name that is unique in this run, for topics, groups and folders."""
        return f"{what}-{secrets.token_hex(3)}"

    def child(self, name: str, command: list[str], **environment: str) -> Child:
        """Start a contestant in the repository's folder."""
        log = self.folder / f"{name}.log"
        return Child(command, log, self.environment | environment, LIFE_SECONDS, REPOSITORY)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of children: no FLOW_ settings, and little output from Java."""
        return {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}

    def say(self, text: str) -> None:
        """Print the progress of the run."""
        sys.stderr.write(f"bench: {text}\n")
        sys.stderr.flush()


def now() -> datetime:
    """Return the present instant."""
    return datetime.fromtimestamp(wall_time() / 1_000_000, UTC)


def middle(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the rounds, and the rounds themselves."""
    rounds = list(rows)
    figures = {
        name: round(median(row[name] for row in rounds), 6)
        for name, value in rounds[0].items()
        if isinstance(value, int | float)
    }
    return {**figures, "rounds": rounds}
