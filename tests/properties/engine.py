"""The engine as the properties drive it: records in batches, rows as bytes, boards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import yaml

from stream.config.loading import parse_config
from stream.config.model import FlowConfig
from stream.events.decode import decode
from stream.events.event import Event
from stream.events.rejection import Rejection
from stream.flow.boards import Boards
from stream.flow.report import NodeNumbers, Reading, as_json
from stream.items.codec import counted, decode_counted
from stream.items.derivation import Derivation
from stream.items.tracker import Batch

ARRIVAL = datetime(2026, 6, 1, tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Write an instant as the engine has it."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def configured(config: dict[str, Any]) -> FlowConfig:
    """Read a configuration through its file form."""
    return parse_config(yaml.safe_dump(config, sort_keys=False), "flow.yaml")


def accepted(envelopes: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], Event]]:
    """Decode envelopes; those that the product refuses are left out."""
    found = []
    for envelope in envelopes:
        data = envelope["data"]
        key = str(data.get("item", data.get("objective"))).encode()
        try:
            event = decode(key, orjson.dumps(envelope), [], microseconds(ARRIVAL))
        except Rejection:
            continue
        found.append((envelope, event))
    return found


@dataclass
class Engine:
    """Rows, and the newest summary of each item in each partition."""

    config: FlowConfig
    now: int
    partitions: int = 1
    rows: dict[bytes, bytes] = field(default_factory=dict)
    items: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    due: dict[bytes, int] = field(default_factory=dict)
    merged: int = 0

    def __post_init__(self) -> None:
        self.derivation = Derivation.of(self.config, partitions=self.partitions)

    def add(self, events: Sequence[Event]) -> None:
        """Process one batch, as `track` does."""
        batch = Batch(self.rows, self.derivation, self.now)
        for event in events:
            batch.add(event, microseconds(ARRIVAL))
        self._close(batch)

    def wait_until(self, now: int) -> None:
        """Let time pass: items with an event that has become known are folded again, and no others."""
        self.now = now
        batch = Batch(self.rows, self.derivation, now)
        for key in [key for key, instant in self.due.items() if instant <= now]:
            del self.due[key]
            batch.touch(key)
        self._close(batch)

    def _close(self, batch: Batch) -> None:
        outcome = batch.close()
        self.due.update(outcome.due)
        self.merged += outcome.merged
        for key, row in outcome.rows.items():
            assert row is not None
            self.rows[key] = row
        for sent in outcome.summaries:
            self.items.pop((sent.partition, sent.key), None)
            if sent.value is not None and sent.summary is not None:
                # Boards get what was folded, or what was read from Kafka, and must not see a difference.
                assert counted(sent.summary) == decode_counted(sent.value, self.derivation.name)
                self.items[sent.partition, sent.key] = sent.value
        for (_, name), count in outcome.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def boards(self) -> Boards:
        """Count all items, as `measure` does."""
        boards = Boards(self.config, self.derivation.partition)
        for (partition, key), value in self.items.items():
            boards.put(partition, key, decode_counted(value, self.derivation.name))
        return boards

    def read(self) -> list[NodeNumbers]:
        """Read all nodes, also what nodes above the teams own themselves."""
        return Reading(self.config, self.boards()).read(self.now)

    def numbers(self) -> dict[str, Any]:
        """Give what `replay --json` prints."""
        boards = self.boards()
        unplaced: dict[str, dict[str, int]] = {}
        for (source, item_type), count in boards.unplaced(range(self.partitions)).items():
            unplaced.setdefault(source, {})[item_type] = count
        nodes = [as_json(row, self.now) for row in Reading(self.config, boards).read(self.now) if not row.node.own]
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now)
        return {"at": at.isoformat(), "nodes": nodes, "unplaced": unplaced}
