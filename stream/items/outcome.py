"""What a batch of events comes to: rows, summaries, what was refused or is sent on, and what was counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stream.events.rejection import Rejection
from stream.items.objective import Objective
from stream.items.summary import Summary

MILLISECOND = 1_000
"""In microseconds."""


class Refusal(NamedTuple):
    """A record that was refused, and why; it may stand for several `records` that came as one batch."""

    record: Any
    rejection: Rejection
    records: int = 1


class Reroute(NamedTuple):
    """A record whose item belongs to another partition of the events topic, and which partition that is."""

    record: Any
    partition: int


class SummaryRow(NamedTuple):
    """A summary for a partition of `flow.items`: as Kafka has it, and as the boards count it.

    Without both it takes the item out there. `arrival` is when the newest event of it came, in microseconds; 0 where
    no event caused it.
    """

    partition: int
    key: bytes
    value: bytes | None
    summary: Summary | Objective | None
    arrival: int


@dataclass
class Outcome:
    """What a batch comes to; times are microseconds. `unreadable` says of rows why they could not be read."""

    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    summaries: list[SummaryRow] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    reroutes: list[Reroute] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    newest: dict[str, int] = field(default_factory=dict)
    anomalies: Counter[str] = field(default_factory=Counter)
    backdated: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    late: int = 0
    due: dict[bytes, int] = field(default_factory=dict)
    unreadable: dict[bytes, str] = field(default_factory=dict)
