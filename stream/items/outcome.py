"""The outcome of a batch of events: rows, summaries, refused and rerouted records, and counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stream.events.rejection import Rejection
from stream.items.objective import Objective
from stream.items.summary import Summary

MILLISECOND = 1_000
"""Microseconds in a millisecond."""


class Refusal(NamedTuple):
    """A record that was refused, and why. It may represent several `records` that came as one batch."""

    record: Any
    rejection: Rejection
    records: int = 1


class Reroute(NamedTuple):
    """A record whose item belongs to another partition of the events topic, and that partition."""

    record: Any
    partition: int


class SummaryRow(NamedTuple):
    """A summary for a partition of `flow.items`: `value` for Kafka, `summary` for the boards.

    If both are None, the item is removed from the partition. `arrival` is when the newest event of the batch came
    (microseconds); 0 if no event caused the row.
    """

    partition: int
    key: bytes
    value: bytes | None
    summary: Summary | Objective | None
    arrival: int


@dataclass
class Outcome:
    """The outcome of a batch; instants are microseconds.

    Attributes:
        rows: New rows of histories by key; None deletes a row.
        summaries: Rows for `flow.items`.
        refusals: Records that become dead letters.
        reroutes: Records that are written to another partition of the events topic.
        counts: The number of events by source and outcome (`flow_events_total`).
        newest: The newest event time by source.
        anomalies: Events further ahead of their arrival than tolerated, by source.
        backdated: Events that came more than a day after their time, by source.
        merged: Summaries with states merged into `other`.
        late: New items whose first event is older than the retention.
        due: By key, the instant at which the next event of an item becomes known.
        unreadable: By key, why a row could not be read.
    """

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
