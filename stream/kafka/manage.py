"""Changes topics and a group's offsets. Each call does one thing, and raises KafkaError with one line if it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import kafka.errors
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType, OffsetSpec
from kafka.structs import OffsetAndMetadata

from stream.errors import KafkaError
from stream.kafka.admin import kafka_admin
from stream.settings import Settings

PATIENCE = 30.0
POLL_EVERY = 0.1
_OWN = "DYNAMIC_TOPIC_CONFIG"
_UNKNOWN_TOPIC = 3
_UNKNOWN_TOPIC_ID = 100
_MISSING = (_UNKNOWN_TOPIC, _UNKNOWN_TOPIC_ID)
_ALREADY_EXISTS = 36
_MEMBERS = ("Stable", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is now.

    Attributes:
        replicas: The replication factor.
        own: The configuration that was set for this topic.
        known: The names of all configurations that this Kafka knows.
        rights: The operations that this client may do with the topic, such as `READ`.
    """

    name: str
    id: str
    partitions: int
    replicas: int
    own: Mapping[str, str]
    known: Collection[str]
    rights: Collection[str]


class CommittedOffset(NamedTuple):
    """A group's commit of one partition."""

    offset: int
    metadata: str


class Topics:
    """Finds, creates, changes and deletes topics. Each method raises KafkaError."""

    def __init__(self, admin: KafkaAdminClient) -> None:
        self._admin = admin

    def find(self, name: str) -> Found | None:
        """Describe a topic; None if it is missing."""
        (seen,) = self._admin.describe_topics([name])
        if seen["error_code"] == _UNKNOWN_TOPIC:
            return None
        _check(seen["error_code"], f"topic {name!r} cannot be described")
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        config = self._admin.describe_configs([resource], config_filter=ConfigFilterType.ALL)["topic"][name]
        return Found(
            name,
            str(seen["topic_id"]),
            len(seen["partitions"]),
            len(seen["partitions"][0]["replica_nodes"]),
            {key: row["value"] for key, row in config.items() if row["config_source"] == _OWN},
            frozenset(config),
            frozenset(seen["authorized_operations"] or ()),
        )

    def create(
        self, name: str, partitions: int, replicas: int, config: Mapping[str, str], *, only_try: bool = False
    ) -> None:
        """Create a topic and wait until it can be used. With `only_try`, only check that it could be created."""
        new = {"num_partitions": partitions, "replication_factor": replicas, "configs": dict(config)}
        (answer,) = self._admin.create_topics({name: new}, validate_only=only_try, raise_errors=False)["topics"]
        _check(answer["error_code"], f"topic {name!r} cannot be created", answer["error_message"])
        if not only_try:
            self._admin.wait_for_topics([name])

    def delete(self, topic: Found) -> None:
        """Delete this topic, but not a newer one of the same name; return once it is gone."""
        (answer,) = self._admin.delete_topics([UUID(topic.id)], raise_errors=False)["topics"]
        if answer["error_code"] not in _MISSING:
            _check(answer["error_code"], f"topic {topic.name!r} cannot be deleted", answer["error_message"])
        _wait(lambda: self._id(topic.name) != topic.id, f"topic {topic.name!r} was deleted and still exists")

    def add_partitions(self, name: str, partitions: int) -> None:
        """Add partitions until there are `partitions`, and wait until they can be used."""
        answer = self._admin.create_partitions({name: partitions}, raise_errors=False).results[0]
        _check(answer.error_code, f"topic {name!r} cannot be given {partitions} partitions", answer.error_message)
        _wait(lambda: self._ready(name) == partitions, f"topic {name!r} does not have its {partitions} partitions")

    def configure(self, name: str, config: Mapping[str, str], reset: Collection[str] = ()) -> None:
        """Set a topic's configuration, reset other values to their defaults, and return once that is in effect."""
        wanted = dict(config) | {key: ("DELETE", None) for key in reset if key not in config}
        resource = ConfigResource(ConfigResourceType.TOPIC, name, wanted)
        answer = self._admin.alter_configs([resource], raise_on_unknown=False)["topic"][name]
        if answer != "OK":
            raise KafkaError(f"topic {name!r} cannot be configured: {answer}")
        _wait(lambda: self._has(name, config), f"topic {name!r} was configured and has not changed")

    def ends(self, name: str, partitions: int) -> dict[int, int]:
        """Return the end offset of each partition, with records of open transactions."""
        wanted = {TopicPartition(name, partition): OffsetSpec.LATEST for partition in range(partitions)}
        return {place.partition: row.offset for place, row in self._admin.list_partition_offsets(wanted).items()}

    def _has(self, name: str, config: Mapping[str, str]) -> bool:
        found = self.find(name)
        return found is not None and config.items() <= found.own.items()

    def _id(self, name: str) -> str | None:
        (seen,) = self._admin.describe_topics([name])
        return None if seen["error_code"] == _UNKNOWN_TOPIC else str(seen["topic_id"])

    def _ready(self, name: str) -> int:
        (seen,) = self._admin.describe_topics([name])
        return sum(not part["error_code"] and part["leader_id"] >= 0 for part in seen["partitions"])


def members(settings: Settings) -> int:
    """Return the number of members of the workers' group. Raises KafkaError."""
    group = _patiently(settings, lambda admin: admin.describe_groups([settings.group])[settings.group])
    return len(group["members"]) or int(group["group_state"] in _MEMBERS)


def committed(settings: Settings, topic: str) -> dict[int, CommittedOffset]:
    """Return what the workers' group has committed of a topic, by partition. Raises KafkaError."""
    found = _patiently(settings, lambda admin: admin.list_group_offsets(settings.group)[settings.group])
    return {
        place.partition: CommittedOffset(row.offset, row.metadata)
        for place, row in found.items()
        if place.topic == topic and row.offset >= 0
    }


def commit(settings: Settings, topic: str, places: Mapping[int, CommittedOffset]) -> None:
    """Commit for the workers' group, which Kafka allows only while it has no members. Raises KafkaError otherwise."""
    rows = {
        TopicPartition(topic, partition): OffsetAndMetadata(place.offset, place.metadata, None)
        for partition, place in places.items()
    }

    def ask(admin: KafkaAdminClient) -> None:
        for place, error in admin.alter_group_offsets(settings.group, rows).items():
            if error in (kafka.errors.UnknownMemberIdError, kafka.errors.RebalanceInProgressError):
                raise KafkaError(running(settings))
            if error is not kafka.errors.NoError:
                raise error(f"offset of {place.topic}[{place.partition}]")

    _patiently(settings, ask)


def running(settings: Settings) -> str:
    """Return the message for workers that must be stopped first."""
    stop = "Stop all workers first; one that was killed counts as a member for 20 seconds more"
    return f"the workers' group {settings.group!r} has members. {stop}"


def _patiently(settings: Settings, ask: Callable[[KafkaAdminClient], Any]) -> Any:
    """Ask until the group's coordinator answers, each time with a new client, since a client keeps the old one."""
    begun = time.monotonic()
    while True:
        with kafka_admin(settings) as admin:
            try:
                return ask(admin)
            except kafka.errors.KafkaError as error:
                if not error.retriable or time.monotonic() - begun > PATIENCE:
                    raise
        time.sleep(POLL_EVERY)


def _check(code: int, what: str, why: str | None = None) -> None:
    if code:
        raise KafkaError(f"{what}: {why or kafka.errors.for_code(code).__name__}")


def _wait(happened: Callable[[], bool], otherwise: str) -> None:
    begun = time.monotonic()
    while not happened():
        if time.monotonic() - begun > PATIENCE:
            raise KafkaError(f"{otherwise} after {PATIENCE:.0f} seconds: check Kafka")
        time.sleep(POLL_EVERY)
