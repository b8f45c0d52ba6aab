"""Finds out whether a topic is still the one that was read.

Kafka gives each topic an id, so a topic that was deleted and created again has another one. A generation is that id
and the first offset of each partition. In a compacted topic these offsets move only if records were deleted, by
retention or by hand. If two generations differ, records of the topic may be gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from stream.kafka.admin import kafka_admin
from stream.settings import Settings

UNKNOWN_TOPIC = 3
REACH_MS = 5_000


class Described(NamedTuple):
    """A topic as it is in Kafka now; `id` is empty if this Kafka has no topic ids."""

    id: str
    partitions: int


def describe(settings: Settings, names: list[str]) -> dict[str, Described | None]:
    """Describe topics by name; None for a missing one. Raises KafkaError."""
    with kafka_admin(settings, REACH_MS) as admin:
        found = {one["name"]: one for one in admin.describe_topics(names) if one["error_code"] != UNKNOWN_TOPIC}
    return {name: _described(found[name]) if name in found else None for name in names}


def _described(answer: Mapping[str, object]) -> Described:
    partitions = answer["partitions"]
    return Described(str(answer.get("topic_id") or ""), len(partitions) if isinstance(partitions, list) else 0)


def generation(topic: Described, beginnings: Mapping[int, int]) -> str:
    """Return a topic's generation: 16 hexadecimal digits of its id and its partitions' first offsets."""
    text = f"{topic.id} {sorted(beginnings.items())}"
    return blake2b(text.encode(), digest_size=8).hexdigest()
