"""How far the workers' group has got, as Kafka knows it.

Each committed offset has a small JSON as its metadata, where Kafka Streams keeps stream time:

- the derivation with which all items of the partition were folded, up to which instant, and until when that holds,
- the newest event time of each source,
- the number of partitions for which its rows are in the right one, and
- the generations of the topics that were folded.

So every worker knows whether the whole topic is folded, with which configuration, and up to which event time. It also
knows whether the offset is of the present topics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError, for_code
from aiokafka.errors import KafkaError as ClientError

from stream.errors import KafkaUnreachableError

# Kafka refuses more than `offset.metadata.max.bytes`, which is 4,096 by default.
MAX_METADATA_BYTES = 3_500
PATIENCE = 30.0
PAUSE = 0.2
REQUEST_MS = 10_000


class Folded(NamedTuple):
    """The generations of the events topic and of the histories topic it was folded into; empty if unknown."""

    events: str = ""
    histories: str = ""


NOTHING_FOLDED = Folded()


class Committed(NamedTuple):
    """A partition's committed offset and its metadata; instants are in microseconds.

    Attributes:
        derivation: With which all items were folded; empty if they must be folded again.
        as_of: The instant up to which they were folded.
        newest: The newest event time of each source, as many as there was room for.
        newest_event: The newest of all event times.
        placed: The number of partitions for which all rows of this one are in the right place; None if unchecked, and
            0 during a repartition.
        folded: The generations of the topics.
        due: When the next event that lies in the future must be folded; None if there is none.
    """

    offset: int
    derivation: str = ""
    as_of: int = 0
    newest: Mapping[str, int] = {}
    newest_event: int = 0
    placed: int | None = None
    folded: Folded = NOTHING_FOLDED
    due: int | None = None


def write_metadata(  # noqa: PLR0913
    derivation: str,
    as_of: int,
    newest: Mapping[str, int],
    placed: int,
    folded: Folded = NOTHING_FOLDED,
    *,
    due: int | None = None,
) -> str:
    """Write the metadata of an offset, of at most `MAX_METADATA_BYTES`: sources with the oldest events are left out."""
    by_time = sorted(newest.items(), key=lambda row: (-row[1], row[0]))
    others = {"p": placed, "e": folded.events, "h": folded.histories} | ({} if due is None else {"d": due})
    while True:
        body = {"c": derivation, "a": as_of, "m": max(newest.values(), default=0), "n": dict(by_time), **others}
        text = orjson.dumps(body)
        if len(text) <= MAX_METADATA_BYTES:
            return text.decode()
        by_time = by_time[: len(by_time) // 2]


def read_metadata(offset: int, text: str) -> Committed:
    """Read the metadata of an offset; a commit of somebody else gives only the offset."""
    try:
        body = orjson.loads(text)
        folded = Folded(body.get("e", ""), body.get("h", ""))
        return Committed(offset, body["c"], body["a"], body["n"], body["m"], body.get("p"), folded, body.get("d"))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Committed(offset)


class Offsets:
    """Asks Kafka for a group's committed offsets, and for the first and end offsets of topics."""

    def __init__(self, brokers: Sequence[str], group: str) -> None:
        self._brokers = list(brokers)
        self._group = group
        # Of the present events topic: commits for a deleted topic of that name do not count.
        self.events_generation = ""
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect."""
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers, request_timeout_ms=REQUEST_MS)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._brokers, request_timeout_ms=REQUEST_MS)
        await self._admin.start()
        await self._consumer.start()

    async def stop(self) -> None:
        """Close the connections."""
        if self._admin is not None:
            await self._admin.close()
        if self._consumer is not None:
            await self._consumer.stop()

    def hang_up(self) -> None:
        """Close the connections, so the next request opens new ones.

        A firewall may silently drop a connection. The client notices only after its own timeout, when the caller has
        already given up.
        """
        for owner in (self._admin, self._consumer):
            # Their public way is to stop the clients, which waits for answers.
            connections = owner._client._conns.values() if owner is not None else ()  # noqa: SLF001
            for connection in list(connections):
                connection.close()

    async def committed(self, topic: str, partitions: int) -> dict[int, Committed]:
        """Return what the group has committed of a topic, by partition, but not for a deleted topic of that name."""
        wanted = [TopicPartition(topic, partition) for partition in range(partitions)]
        found = await _answered(lambda: self._group_offsets(wanted))
        known = {
            tp.partition: read_metadata(offset.offset, offset.metadata)
            for tp, offset in found.items()
            if offset.offset >= 0
        }
        return {partition: one for partition, one in known.items() if self._is_of_this_topic(one)}

    def _is_of_this_topic(self, committed: Committed) -> bool:
        return committed.folded.events in {"", self.events_generation}

    async def lists(self, client_id: str) -> bool:
        """Return whether the group has a member with this client id."""
        (answer,) = await _answered(self._describe)
        return any(member[1] == client_id for group in answer.groups for member in group[5])

    async def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return the end offset of each partition."""
        wanted = [TopicPartition(topic, partition) for partition in range(partitions)]
        found = await _answered(lambda: self._client.end_offsets(wanted))
        return {tp.partition: end for tp, end in found.items()}

    async def beginnings(self, topic: str, partitions: int) -> dict[int, int]:
        """Return the first offset that each partition still has."""
        wanted = [TopicPartition(topic, partition) for partition in range(partitions)]
        found = await _answered(lambda: self._client.beginning_offsets(wanted))
        return {tp.partition: beginning for tp, beginning in found.items()}

    async def _describe(self) -> Any:
        if self._admin is None:
            raise RuntimeError("the admin client is not started")
        answers = await self._admin.describe_consumer_groups([self._group])
        for code in (group[0] for answer in answers for group in answer.groups):
            if code:
                raise for_code(code)
        return answers

    async def _group_offsets(self, wanted: list[TopicPartition]) -> Any:
        if self._admin is None:
            raise RuntimeError("the admin client is not started")
        found = await self._admin.list_consumer_group_offsets(self._group, partitions=wanted)
        if set(wanted) - set(found):
            # A coordinator that is loading returns no offsets, and the client ignores the error that comes with them.
            raise GroupLoadInProgressError
        return found

    @property
    def _client(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the offsets client is not started")
        return self._consumer


async def _answered(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until Kafka answers, since a missing coordinator or an election passes."""
    begun = monotonic()
    while True:
        try:
            return await ask()
        except ClientError as error:
            if monotonic() - begun > PATIENCE:
                raise KafkaUnreachableError(
                    f"Kafka has returned no offsets for {PATIENCE:.0f} seconds: {error!r}"
                ) from None
            await asyncio.sleep(PAUSE)
