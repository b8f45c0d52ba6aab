"""Compares Kafka's topics with the declared ones, and creates those that are missing.

Also makes the plain kafka-python clients that commands use. kafka-python's own log is off, since each of its errors
is raised too, and becomes one KafkaError.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kafka.errors
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import (
    ConfigFilterType,
    ConfigResource,
    ConfigResourceType,
)

from stream.errors import KafkaError, KafkaUnreachableError
from stream.kafka.topics import MIB, REPARTITION, Topic, topics
from stream.settings import Settings

REACH_MS = 10_000
CONNECT_SECONDS = 3
RETRY_SECONDS = 0.2
MISSING = "missing"
PARTITIONS = "partitions"
_START = "Start it, or set FLOW_KAFKA_BROKERS"
_UNKNOWN_TOPIC = 3
_ALREADY_EXISTS = 36
_BAD_REPLICATION = 38
# The embedded broker has an older protocol, and no idempotent producers.
_EMBEDDED = {"api_version": (0, 11)}


class _Admin(KafkaAdminClient):  # type: ignore[misc,unused-ignore]
    """An admin client that closes its thread and sockets if Kafka accepts the connection but never answers."""

    def __init__(self, **options: Any) -> None:
        self._closed = False
        try:
            super().__init__(**options)
        except kafka.errors.KafkaError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Existing:
    """A topic as it is in Kafka."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a topic differs from its declaration: `what` is `missing`, `partitions` or the name of a configuration."""

    topic: str
    what: str
    actual: str
    declared: str
    fix: str

    def __str__(self) -> str:
        if self.what == MISSING:
            return f"topic {self.topic!r} is missing. {self.fix}"
        return f"topic {self.topic!r}: {self.what} is {self.actual}, must be {self.declared}. {self.fix}"


def differences(declared: Iterable[Topic], existing: Mapping[str, Existing], brokers: str) -> list[Difference]:
    """Compare declared topics with those in Kafka. The suggested fixes name `brokers`."""
    found: list[Difference] = []
    declared = list(declared)
    for topic in declared:
        there = existing.get(topic.name)
        if there is None:
            fix = "Create it: flowgauge topics apply"
            found.append(Difference(topic.name, MISSING, "", f"{topic.partitions} partitions", fix))
            continue
        if there.partitions != topic.partitions:
            fix = _partitions_fix(topic, declared, existing, brokers)
            found.append(Difference(topic.name, PARTITIONS, str(there.partitions), str(topic.partitions), fix))
        found += _mismatches(topic, there)
    return found


def plan(settings: Settings) -> list[Difference]:
    """Return the differences between Kafka and the declaration, and change nothing.

    The embedded broker creates its own topics, so it has no differences. Raises KafkaError if Kafka does not answer.
    """
    if settings.embedded:
        return []
    with kafka_admin(settings) as admin:
        return _compare(admin, settings)


def ensure_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names.

    Does nothing on the embedded broker. Raises KafkaError if an existing topic is not as declared, and then creates
    nothing. Also raises it if Kafka does not answer, or refuses.
    """
    if settings.embedded:
        return []
    with kafka_admin(settings) as admin:
        found = _compare(admin, settings)
        _refuse([one for one in found if one.what != MISSING])
        missing = {one.topic for one in found}
        created = _create(admin, [topic for topic in topics(settings) if topic.name in missing], settings)
        if missing - set(created):
            # Another worker created them first, perhaps with other settings.
            _refuse(_compare(admin, settings))
        return created


def apply_topics(settings: Settings) -> tuple[list[str], list[Difference]]:
    """Create the topics that are missing, set the configuration that differs, and return both.

    Raises KafkaError if a topic has another number of partitions, and then changes nothing.
    """
    if settings.embedded:
        return [], []
    with kafka_admin(settings) as admin:
        found = _compare(admin, settings)
        _refuse([one for one in found if one.what == PARTITIONS])
        altered = [one for one in found if one.what != MISSING]
        for one in altered:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, one.topic, {one.what: one.declared})])
    return ensure_topics(settings), altered


def consumer(settings: Settings) -> Any:
    """Make a consumer of committed records, without a group, for records of any size that our topics allow."""
    options = {
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "max_partition_fetch_bytes": 20 * MIB,
    }
    return KafkaConsumer(**_client(settings), **options)


def producer(settings: Settings) -> Any:
    """Make a producer for records of any size that our topics allow."""
    options = {
        "acks": "all",
        "enable_idempotence": not settings.embedded,
        "allow_auto_create_topics": False,
        "compression_type": "gzip",
        "max_block_ms": REACH_MS,
        "max_request_size": 100 * MIB,
    }
    return KafkaProducer(**_client(settings), **options)


@contextmanager
def kafka_errors(settings: Settings) -> Iterator[None]:
    """Turn errors of kafka-python into a KafkaError that names the brokers and the fix."""
    brokers = ",".join(settings.brokers)
    try:
        yield
    except kafka.errors.RetriableError as error:
        raise KafkaUnreachableError(f"Kafka at {brokers!r} does not answer ({_one_line(error)}). {_START}") from error
    except kafka.errors.KafkaError as error:
        raise KafkaError(f"Kafka at {brokers!r} refuses: {_one_line(error)}") from error


def _client(settings: Settings, patience_ms: int = REACH_MS) -> dict[str, Any]:
    """Return the options that all clients share, once Kafka can be reached."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    _reach(settings.brokers, patience_ms)
    common: dict[str, Any] = {
        "bootstrap_servers": list(settings.brokers),
        "bootstrap_timeout_ms": patience_ms,
        "client_id": "flowgauge",
    }
    return common | (_EMBEDDED if settings.embedded else {})


def _reach(brokers: Sequence[str], patience_ms: int) -> None:
    """Wait until one of the brokers accepts a connection.

    A kafka-python client that cannot connect leaks its thread and sockets, so none is made before.
    """
    deadline = time.monotonic() + patience_ms / 1000
    while True:
        why = [_refusal_to_connect(broker) for broker in brokers]
        if None in why:
            return
        if time.monotonic() > deadline:
            raise KafkaUnreachableError(f"Kafka at {','.join(brokers)!r} does not answer ({why[0]}). {_START}")
        time.sleep(RETRY_SECONDS)


def _refusal_to_connect(broker: str) -> str | None:
    host, _, port = broker.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return None
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or _one_line(error)


@contextmanager
def kafka_admin(settings: Settings, patience_ms: int = REACH_MS) -> Iterator[KafkaAdminClient]:
    """Connect an admin client. Raises KafkaError if Kafka does not answer for `patience_ms` milliseconds."""
    with kafka_errors(settings):
        admin = _Admin(**_client(settings, patience_ms), request_timeout_ms=patience_ms)
        try:
            yield admin
        finally:
            admin.close()


def _compare(admin: KafkaAdminClient, settings: Settings) -> list[Difference]:
    _refuse_unfinished(admin, settings)
    declared = topics(settings)
    existing = _existing(admin, [topic.name for topic in declared])
    return differences(declared, existing, ",".join(settings.brokers))


def _refuse_unfinished(admin: KafkaAdminClient, settings: Settings) -> None:
    """Refuse during a repartition, when a missing topic must not be created by anybody else."""
    journal = settings.topic(REPARTITION)
    (found,) = admin.describe_topics([journal])
    if not found["error_code"]:
        unfinished = f"topic {journal!r} is there: a repartition is under way, or was cut short"
        raise KafkaError(f"{unfinished}. To finish it, run it again: flowgauge topics repartition")


def _existing(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, Existing]:
    partitions: dict[str, int] = {}
    for found in admin.describe_topics(list(names)):
        if found["error_code"] == _UNKNOWN_TOPIC:
            continue
        if found["error_code"]:
            raise kafka.errors.for_code(found["error_code"])(f"topic {found['name']!r}")
        partitions[found["name"]] = len(found["partitions"])
    if not partitions:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
    configs = admin.describe_configs(wanted, config_filter=ConfigFilterType.ALL)["topic"]
    return {
        name: Existing(count, {key: str(row["value"]) for key, row in configs[name].items()})
        for name, count in partitions.items()
    }


def _mismatches(topic: Topic, there: Existing) -> Iterator[Difference]:
    for key, value in topic.config.items():
        actual = there.config.get(key, "unknown to this Kafka")
        if not _same(actual, value):
            yield Difference(topic.name, key, actual, value, "Set it: flowgauge topics apply")


def _partitions_fix(topic: Topic, declared: Sequence[Topic], existing: Mapping[str, Existing], brokers: str) -> str:
    there = existing[topic.name].partitions
    setting = f"Set {topic.setting}={there}"
    if topic.deleted:
        delete = f"kafka-topics.sh --bootstrap-server {brokers} --delete --topic {topic.name}"
        return f"{setting}; or, with all workers stopped, delete it ({topic.deleted}): {delete}"
    if not topic.setting:
        return "Copy what it holds, delete it, then: flowgauge topics apply"
    # Topics of one setting need the same partitions. Only adding partitions would leave keys in the wrong ones.
    together = [existing.get(one.name) for one in declared if one.setting == topic.setting]
    move = f"stop all workers, then run: flowgauge topics repartition --to {topic.partitions}"
    if None in together:
        return setting
    if any(one is not None and one.partitions != there for one in together):
        return move[0].upper() + move[1:]
    return f"{setting} if that is meant; else {move}"


def _same(actual: str, declared: str) -> bool:
    if actual == declared:
        return True
    try:
        return float(actual) == float(declared)
    except ValueError:
        return False


def _refuse(found: Sequence[Difference]) -> None:
    if found:
        more = f" ({len(found) - 1} more: flowgauge topics diff)" if len(found) > 1 else ""
        raise KafkaError(f"{found[0]}{more}")


def _create(admin: KafkaAdminClient, missing: Sequence[Topic], settings: Settings) -> list[str]:
    if not missing:
        return []
    new = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": settings.replication_factor,
            "configs": dict(topic.config),
        }
        for topic in missing
    }
    answer = admin.create_topics(new, raise_errors=False)["topics"]
    for row in answer:
        if row["error_code"] not in (0, _ALREADY_EXISTS):
            raise KafkaError(f"topic {row['name']!r} cannot be created: {_refusal(row, settings)}")
    admin.wait_for_topics(list(new))
    return [row["name"] for row in answer if row["error_code"] == 0]


def _refusal(row: Mapping[str, Any], settings: Settings) -> str:
    why = row.get("error_message") or kafka.errors.for_code(row["error_code"]).__name__
    if row["error_code"] == _BAD_REPLICATION:
        return f"{why} Lower FLOW_REPLICATION_FACTOR, which is {settings.replication_factor}"
    return f"{why} Fix that, then: flowgauge topics apply"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
