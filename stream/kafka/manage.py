"""What changes topics and a group's offsets: each call does one thing, and says in one line what Kafka refuses."""

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
LOOK_EVERY = 0.1
_OWN = "DYNAMIC_TOPIC_CONFIG"
_UNKNOWN_TOPIC = 3
_UNKNOWN_TOPIC_ID = 100
_MISSING = (_UNKNOWN_TOPIC, _UNKNOWN_TOPIC_ID)
_ALREADY_EXISTS = 36
_MEMBERS = ("Stable", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is: `own` is what was configured of it alone, `known` all that can be, `rights` what we may do."""

    name: str
    id: str
    partitions: int
    replicas: int
    own: Mapping[str, str]
    known: Collection[str]
    rights: Collection[str]


class CommittedOffset(NamedTuple):
    """What a group has committed of a partition."""

    offset: int
    metadata: str


class Topics:
    """Finds, makes, changes and deletes topics."""

    def __init__(self, admin: KafkaAdminClient) -> None:
        self._admin = admin

    def find(self, name: str) -> Found | None:
        """Describe a topic; None where there is none. Raises KafkaError."""
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
        """Make a topic and wait until it can be used; `only_try` asks whether it could be made."""
        new = {"num_partitions": partitions, "replication_factor": replicas, "configs": dict(config)}
        (answer,) = self._admin.create_topics({name: new}, validate_only=only_try, raise_errors=False)["topics"]
        _check(answer["error_code"], f"topic {name!r} cannot be created", answer["error_message"])
        if not only_try:
            self._admin.wait_for_topics([name])

    def delete(self, topic: Found) -> None:
        """Delete this very topic, not one that was made under its name since; return when it is gone."""
        (answer,) = self._admin.delete_topics([UUID(topic.id)], raise_errors=False)["topics"]
        if answer["error_code"] not in _MISSING:
            _check(answer["error_code"], f"topic {topic.name!r} cannot be deleted", answer["error_message"])
        _wait(lambda: self._id(topic.name) != topic.id, f"topic {topic.name!r} was deleted and is still there")

    def add_partitions(self, name: str, partitions: int) -> None:
        """Add partitions until there are so many, and wait until they can be used."""
        answer = self._admin.create_partitions({name: partitions}, raise_errors=False).results[0]
        _check(answer.error_code, f"topic {name!r} cannot be given {partitions} partitions", answer.error_message)
        _wait(lambda: self._ready(name) == partitions, f"topic {name!r} has not got its {partitions} partitions")

    def configure(self, name: str, config: Mapping[str, str], reset: Collection[str] = ()) -> None:
        """Set these values of a topic's configuration and take others back to their defaults; return when they hold."""
        wanted = dict(config) | {key: ("DELETE", None) for key in reset if key not in config}
        resource = ConfigResource(ConfigResourceType.TOPIC, name, wanted)
        answer = self._admin.alter_configs([resource], raise_on_unknown=False)["topic"][name]
        if answer != "OK":
            raise KafkaError(f"topic {name!r} cannot be configured: {answer}")
        _wait(lambda: self._has(name, config), f"topic {name!r} was configured and has not changed")

    def ends(self, name: str, partitions: int) -> dict[int, int]:
        """Give the offset behind the last record of each partition, whether that is committed or not."""
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
    """Give how many members the workers' group has. Raises KafkaError."""
    group = _patiently(settings, lambda admin: admin.describe_groups([settings.group])[settings.group])
    return len(group["members"]) or int(group["group_state"] in _MEMBERS)


def committed(settings: Settings, topic: str) -> dict[int, CommittedOffset]:
    """Give what the workers' group has committed of a topic, by partition. Raises KafkaError."""
    found = _patiently(settings, lambda admin: admin.list_group_offsets(settings.group)[settings.group])
    return {
        place.partition: CommittedOffset(row.offset, row.metadata)
        for place, row in found.items()
        if place.topic == topic and row.offset >= 0
    }


def commit(settings: Settings, topic: str, places: Mapping[int, CommittedOffset]) -> None:
    """Commit for the workers' group, which Kafka allows only while it has no members. Raises KafkaError."""
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
    """Say that workers run which must not."""
    stop = "Stop all workers first; one that did not leave it, such as a killed one, counts for 20 seconds more"
    return f"the workers' group {settings.group!r} has members. {stop}"


def _patiently(settings: Settings, ask: Callable[[KafkaAdminClient], Any]) -> Any:
    """Ask until the group's coordinator is there; each time anew, since a client remembers the one that was there."""
    begun = time.monotonic()
    while True:
        with kafka_admin(settings) as admin:
            try:
                return ask(admin)
            except kafka.errors.KafkaError as error:
                if not error.retriable or time.monotonic() - begun > PATIENCE:
                    raise
        time.sleep(LOOK_EVERY)


def _check(code: int, what: str, why: str | None = None) -> None:
    if code:
        raise KafkaError(f"{what}: {why or kafka.errors.for_code(code).__name__}")


def _wait(happened: Callable[[], bool], otherwise: str) -> None:
    begun = time.monotonic()
    while not happened():
        if time.monotonic() - begun > PATIENCE:
            raise KafkaError(f"{otherwise} after {PATIENCE:.0f} seconds: look at Kafka")
        time.sleep(LOOK_EVERY)
