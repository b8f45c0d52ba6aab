"""What a repartition has done so far: the last record of a topic that exists until the repartition is finished.

The topic outlives the topics that are moved and the group's offsets, and does not expire. While it exists no worker
starts.
"""

from __future__ import annotations

import time

import msgspec
from kafka import TopicPartition
from msgspec import Struct, field

from stream.errors import KafkaError
from stream.kafka.admin import REACH_MS, consumer, kafka_errors, producer
from stream.kafka.manage import Topics
from stream.kafka.topics import MIB, REPARTITION
from stream.settings import Settings

_CONFIG = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(16 * MIB)}
_SECONDS = 30


class Move(Struct):
    """How far the move of one topic has got.

    Attributes:
        id: Of the topic as it was, like `partitions` and `replicas`.
        config: The configuration before and after the move.
        while_moving: The configuration of the topic and its copy during the move.
        needed: Whether the topic must be copied at all.
        copied: Whether the copy has all records.
        returned: Whether the new topic has all records.
        records: The number of records in the copy.
        read: The next offset to copy, by old partition.
        folded: How many of the first records were folded before, by partition of the copy.
        counts: The number of records by partition of the copy.
        same: The offset up to which a new partition has the records of the copy and no others, by partition.
    """

    name: str
    id: str
    partitions: int
    replicas: int
    config: dict[str, str]
    while_moving: dict[str, str]
    needed: bool
    copied: bool = False
    returned: bool = False
    records: int = 0
    read: dict[int, int] = field(default_factory=dict)
    folded: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)


class State(Struct):
    """A repartition to `to` partitions.

    Attributes:
        offsets: The group's committed offsets before it, by partition of the events.
        newest: The newest event time of each source that was committed with them, in microseconds.
        merged: The number of items that had histories in several partitions.
        left_out: The events that did not fit into an item's merged history, by item.
    """

    to: int
    events: Move
    histories: Move
    offsets: dict[int, int]
    newest: dict[str, int]
    merged: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


class RepartitionJournal:
    """The journal of a deployment; there is one for each prefix."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topic = settings.topic(REPARTITION)

    def read(self, topics: Topics) -> State | None:
        """Return the last state that was noted, or None if no repartition has begun. Raises KafkaError."""
        if topics.find(self.topic) is None:
            return None
        with kafka_errors(self._settings):
            reader = consumer(self._settings)
            try:
                reader.bootstrap(timeout_ms=REACH_MS)
                place = TopicPartition(self.topic, 0)
                (end,) = reader.end_offsets([place]).values()
                reader.assign([place])
                reader.seek_to_beginning()
                last, begun = None, time.monotonic()
                while reader.position(place) < end:
                    if time.monotonic() - begun > _SECONDS:
                        raise KafkaError(f"topic {self.topic!r}: Kafka stopped answering before its end")
                    for record in reader.poll(timeout_ms=1_000).get(place, ()):
                        last = record.value
            finally:
                reader.close()
        # An empty topic is of a repartition that was cut short before it changed anything.
        return None if last is None else self._decoded(last)

    def _decoded(self, note: bytes) -> State:
        try:
            return msgspec.json.decode(note, type=State)
        except msgspec.DecodeError as error:
            why = f"another version of flowgauge wrote it ({error}): finish with that version"
            raise KafkaError(f"topic {self.topic!r} cannot be read: {why}") from None

    def begin(self, topics: Topics, replicas: int, *, only_try: bool = False) -> None:
        """Create the topic if it is missing; with `only_try`, only check that this is possible. Raises KafkaError."""
        if topics.find(self.topic) is None:
            topics.create(self.topic, 1, replicas, _CONFIG, only_try=only_try)

    def note(self, state: State) -> None:
        """Write a state, which is durable once this returns. Raises KafkaError."""
        with kafka_errors(self._settings):
            out = producer(self._settings)
            try:
                out.send(self.topic, value=msgspec.json.encode(state), partition=0).get(timeout=_SECONDS)
            finally:
                out.close(timeout=_SECONDS)

    def end(self, topics: Topics) -> None:
        """Delete the topic if it exists: the repartition is finished, or could not begin."""
        found = topics.find(self.topic)
        if found is not None:
            topics.delete(found)
