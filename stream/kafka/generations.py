"""Whether the topics are still those that were read.

Kafka gives each topic an id, so that one that was deleted and made again is known as another. A generation is that id
together with the offset at which each partition begins: in a compacted topic it moves only when records were deleted,
by retention or by hand. Two generations that differ mean that what was in the topic may be gone.
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
    """A topic as Kafka has it now; `id` is empty where this Kafka gives none."""

    id: str
    partitions: int


def describe(settings: Settings, names: list[str]) -> dict[str, Described | None]:
    """Ask Kafka for topics; None for one that is not there. Raises KafkaError."""
    with kafka_admin(settings, REACH_MS) as admin:
        found = {one["name"]: one for one in admin.describe_topics(names) if one["error_code"] != UNKNOWN_TOPIC}
    return {name: _described(found[name]) if name in found else None for name in names}


def _described(answer: Mapping[str, object]) -> Described:
    partitions = answer["partitions"]
    return Described(str(answer.get("topic_id") or ""), len(partitions) if isinstance(partitions, list) else 0)


def generation(topic: Described, beginnings: Mapping[int, int]) -> str:
    """Name a topic's generation in sixteen letters, from its id and where its partitions begin."""
    text = f"{topic.id} {sorted(beginnings.items())}"
    return blake2b(text.encode(), digest_size=8).hexdigest()
