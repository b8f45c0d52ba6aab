"""What tests take of a log: its events, a configuration that fits it, and instants to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from tests.oracle.log import events_from_log
from tests.oracle.rules import Json


@dataclass(frozen=True)
class Log:
    """A CSV log and what fits it.

    `mapping` is what `--map` gives the commands; `config` is `flow_yaml` as the oracle reads it. The `instants` are:
    when the log has hardly begun, in its busiest months, and after its last event.
    """

    path: Path
    mapping: Mapping[str, str]
    flow_yaml: str
    config: Json
    instants: tuple[datetime, datetime, datetime]

    @cached_property
    def events(self) -> list[Json]:
        """The log's events, in the order of its rows."""
        return events_from_log(self.path, self.mapping)

    @property
    def options(self) -> list[str]:
        """The mapping as options of a command."""
        return [word for columns, field in self.mapping.items() for word in ("--map", f"{columns}={field}")]
