"""The topics as they must be: partitions, retention, compaction. Pure: `admin.py` is what asks Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stream.settings import Settings

EVENTS = "events"
ITEMS = "items"
HISTORIES = "histories"
DEAD_LETTERS = "dead-letters"
METRICS = "metrics"
ALERTS = "alerts"
# These are there only while partitions are being changed.
REPARTITION = "repartition"
MOVING = ".moving"

MIB = 1024 * 1024
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# Kafka compacts closed segments only, and by default closes them after a week or a gigabyte. Small segments
# keep recovery short; the bound on the lag makes what was erased go within about a day also where little else
# is written. Tombstones stay for a week, so that a worker that was down meets them.
COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(7 * DAY_MS),
    "segment.ms": str(HOUR_MS),
    "segment.bytes": str(128 * MIB),
    "max.compaction.lag.ms": str(DAY_MS),
}
# The broker stamps: a worker's clock may be ahead of it by more than Kafka accepts.
STAMPED = {"message.timestamp.type": "LogAppendTime"}
KEPT_A_MONTH = {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its full name, partitions, configuration, and what its key and records are.

    `setting` is the variable that sets the number of partitions, or empty where it is fixed. `deleted` is what follows
    where the topic is deleted while no worker runs; empty where facts would be lost.
    """

    name: str
    partitions: int
    config: Mapping[str, str]
    key: str
    purpose: str
    setting: str = ""
    deleted: str = ""


def topics(settings: Settings) -> tuple[Topic, ...]:
    """Declare the topics that the engine needs, under the settings' prefix and partitions."""
    return (
        _events(settings),
        _items(settings),
        _histories(settings),
        _dead_letters(settings),
        _metrics(settings),
        _alerts(settings),
    )


def _events(settings: Settings) -> Topic:
    # The broker stamps the arrival, so that freshness is measured against one clock.
    config = STAMPED | {"max.message.bytes": str(16 * MIB)}
    return Topic(
        name=settings.topic(EVENTS),
        partitions=settings.events_partitions,
        config=KEPT_A_MONTH | config,
        key="item id",
        purpose="work-item changes as CloudEvents, from the gateway, imports and other producers",
        setting="FLOW_EVENTS_PARTITIONS",
    )


def _items(settings: Settings) -> Topic:
    # A summary's timestamp is the arrival of the event that caused it, so the broker must not set its own.
    return Topic(
        name=settings.topic(ITEMS),
        partitions=settings.items_partitions,
        config=COMPACTED | {"message.timestamp.type": "CreateTime"},
        key="item id",
        purpose="each item's current summary; a tombstone takes the item out",
        setting="FLOW_ITEMS_PARTITIONS",
        deleted="workers derive it again from the histories",
    )


def _histories(settings: Settings) -> Topic:
    return Topic(
        name=settings.topic(HISTORIES),
        partitions=settings.events_partitions,
        config=COMPACTED | STAMPED | {"max.message.bytes": str(8 * MIB)},
        key="item id",
        purpose="changelog of the item table: each item's whole history, in the engine's own format",
        setting="FLOW_EVENTS_PARTITIONS",
    )


def _dead_letters(settings: Settings) -> Topic:
    # A megabyte above the events' limit leaves room for the headers that say why.
    return Topic(
        name=settings.topic(DEAD_LETTERS),
        partitions=1,
        config=KEPT_A_MONTH | STAMPED | {"max.message.bytes": str(17 * MIB)},
        key="key of the refused record",
        purpose="refused records, bytes unchanged, with the reason in headers",
    )


def _metrics(settings: Settings) -> Topic:
    # A worker reads the topic back when it starts, so that what has been replaced must go soon. The broker compresses:
    # numbers of many nodes are much alike, and the worker's event loop has other things to do.
    config = {"segment.ms": str(HOUR_MS // 6), "compression.type": "gzip", "max.message.bytes": str(16 * MIB)}
    return Topic(
        name=settings.topic(METRICS),
        partitions=settings.items_partitions,
        config=COMPACTED | STAMPED | config,
        key="node: level and names",
        purpose="each node's numbers when they change, as CloudEvents; a tombstone takes the node out",
        setting="FLOW_ITEMS_PARTITIONS",
        deleted="workers write the present numbers again",
    )


def _alerts(settings: Settings) -> Topic:
    # For a week each change can be read, also by who was away; after that the newest of each key.
    lag = {"min.compaction.lag.ms": str(7 * DAY_MS), "max.compaction.lag.ms": str(8 * DAY_MS)}
    return Topic(
        name=settings.topic(ALERTS),
        partitions=settings.items_partitions,
        config=COMPACTED | STAMPED | lag,
        key="limit (level and names) or target (name)",
        purpose="limits passed and recovered, targets missed and met, as CloudEvents: one record for each change",
        setting="FLOW_ITEMS_PARTITIONS",
        deleted="since when limits are passed and targets met is then known from the next start on only",
    )
