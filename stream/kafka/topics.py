"""Declares the topics: partitions, retention, compaction. `admin.py` compares them with Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stream.settings import Settings

EVENTS = "events"
ITEMS = "items"
HISTORIES = "histories"
DEAD_LETTERS = "dead-letters"
METRICS = "metrics"
ALERTS = "alerts"
# These exist only during a repartition.
REPARTITION = "repartition"
MOVING = ".moving"

MIB = 1024 * 1024
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# Kafka compacts closed segments only, and by default closes them after a week or a gigabyte. Small segments keep
# recovery short. The maximum lag removes erased data within about a day, even if little else is written. Tombstones
# stay for a week, so a worker that was down still reads them.
COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(7 * DAY_MS),
    "segment.ms": str(HOUR_MS),
    "segment.bytes": str(128 * MIB),
    "max.compaction.lag.ms": str(DAY_MS),
}
# The broker sets timestamps, since it refuses those of a worker whose clock is too far in the future.
STAMPED = {"message.timestamp.type": "LogAppendTime"}
KEPT_A_MONTH = {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}


class TopicNames(NamedTuple):
    """The full names of the topics."""

    events: str
    items: str
    histories: str
    dead_letters: str
    metrics: str
    alerts: str


def topic_names(settings: Settings) -> TopicNames:
    """Give the names of the topics under the prefix of the settings."""
    return TopicNames(
        events=settings.topic(EVENTS),
        items=settings.topic(ITEMS),
        histories=settings.topic(HISTORIES),
        dead_letters=settings.topic(DEAD_LETTERS),
        metrics=settings.topic(METRICS),
        alerts=settings.topic(ALERTS),
    )


@dataclass(frozen=True, slots=True)
class Topic:
    """The declaration of a topic.

    Attributes:
        name: With the deployment's prefix.
        key: The meaning of the records' keys.
        purpose: What the records are.
        setting: The setting for the number of partitions; empty if that is fixed.
        deleted: What happens if the topic is deleted while no worker runs; empty if facts would be lost.
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
    # The broker sets the time of arrival, so freshness is measured by one clock.
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
    # A summary's timestamp is the arrival of the event that caused it, so the broker must not replace it.
    return Topic(
        name=settings.topic(ITEMS),
        partitions=settings.items_partitions,
        config=COMPACTED | {"message.timestamp.type": "CreateTime"},
        key="item id",
        purpose="each item's current summary; a tombstone removes the item",
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
    # A megabyte above the events' limit leaves room for headers with the reason.
    return Topic(
        name=settings.topic(DEAD_LETTERS),
        partitions=1,
        config=KEPT_A_MONTH | STAMPED | {"max.message.bytes": str(17 * MIB)},
        key="key of the refused record",
        purpose="refused records, bytes unchanged, with the reason in headers",
    )


def _metrics(settings: Settings) -> Topic:
    # A worker reads the whole topic when it starts, so old records must go soon. The broker compresses, since the
    # numbers of many nodes are similar and the worker's event loop has no time for it.
    config = {"segment.ms": str(HOUR_MS // 6), "compression.type": "gzip", "max.message.bytes": str(16 * MIB)}
    return Topic(
        name=settings.topic(METRICS),
        partitions=settings.items_partitions,
        config=COMPACTED | STAMPED | config,
        key="node: level, backlog and names",
        purpose="each node's numbers when they change, as CloudEvents; a tombstone removes the node",
        setting="FLOW_ITEMS_PARTITIONS",
        deleted="workers write the present numbers again",
    )


def _alerts(settings: Settings) -> Topic:
    # Each change can be read for a week, even by a consumer that was away. After that the newest of each key is kept.
    lag = {"min.compaction.lag.ms": str(7 * DAY_MS), "max.compaction.lag.ms": str(8 * DAY_MS)}
    return Topic(
        name=settings.topic(ALERTS),
        partitions=settings.items_partitions,
        config=COMPACTED | STAMPED | lag,
        key="limit (level, backlog and names) or target (name)",
        purpose="limits passed and recovered, targets missed and met, as CloudEvents: one record for each change",
        setting="FLOW_ITEMS_PARTITIONS",
        deleted="workers forget since when limits are passed and targets are met",
    )
