"""What a repartition has done so far: the last record of a topic that is there as long as one is not finished.

The topic outlives what is moved and what was committed, and does not expire. While it is there no worker starts.
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
    """One topic: what it was, what it will be, and how far it is.

    `config` is what it has before and after, `while_moving` what it and its copy have meanwhile. `copied` is set once
    all its records are in the copy too, `returned` once they are in the new topic. `read` is up to where each of its
    partitions was copied; `folded` how many of the first records of each partition of the copy were folded before.
    `same` is up to where each new partition has the records of the copy, and those of nobody else.
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
    """A repartition to `to` partitions; `offsets` and `newest` are what the group had committed before it."""

    to: int
    events: Move
    histories: Move
    offsets: dict[int, int]
    newest: dict[str, int]
    merged: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


class RepartitionJournal:
    """The journal under a deployment's prefix."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topic = settings.topic(REPARTITION)

    def read(self, topics: Topics) -> State | None:
        """Give what was noted last; None where no repartition was begun. Raises KafkaError."""
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
                        raise KafkaError(f"topic {self.topic!r}: Kafka has fallen silent before its end")
                    for record in reader.poll(timeout_ms=1_000).get(place, ()):
                        last = record.value
            finally:
                reader.close()
        # It may have been cut short before the first note: then nothing was changed.
        return None if last is None else self._decoded(last)

    def _decoded(self, note: bytes) -> State:
        try:
            return msgspec.json.decode(note, type=State)
        except msgspec.DecodeError as error:
            why = f"another version of flowgauge has written it ({error}): finish with that version"
            raise KafkaError(f"topic {self.topic!r} cannot be read: {why}") from None

    def begin(self, topics: Topics, replicas: int, *, only_try: bool = False) -> None:
        """Make the topic, unless it is there; `only_try` asks whether it could be made."""
        if topics.find(self.topic) is None:
            topics.create(self.topic, 1, replicas, _CONFIG, only_try=only_try)

    def note(self, state: State) -> None:
        """Note a state; it is durable when this returns. Raises KafkaError."""
        with kafka_errors(self._settings):
            out = producer(self._settings)
            try:
                out.send(self.topic, value=msgspec.json.encode(state), partition=0).get(timeout=_SECONDS)
            finally:
                out.close(timeout=_SECONDS)

    def end(self, topics: Topics) -> None:
        """Delete the topic, if it is there: the repartition is finished, or was cut short before its first note."""
        found = topics.find(self.topic)
        if found is not None:
            topics.delete(found)
