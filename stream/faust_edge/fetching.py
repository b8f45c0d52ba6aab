"""How the client fetches: it reads whole batches, and waits a little between fetches, so a few events come together.

The client limits the bytes that are fetched, which are compressed. This module limits those that one poll decompresses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic
from typing import Any
from weakref import proxy

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException

from stream.kafka.batches import RefusedBatch, UnreadableBatchError, opened, records_of, refused

# Seconds between two fetches from the same broker.
LIVE_EVERY = 0.006
# Decompressed bytes. A poll ends with the batch that reaches this.
MAX_POLL_BYTES = 16 * 1024 * 1024
NOWHERE = -1


def fetch_paced(client: Any) -> None:
    """Have a started client's fetcher read whole batches and pace its fetches. Call this before it fetches."""
    fetch_whole(client)
    client._proc_fetch_request = _paced(client._proc_fetch_request)


def fetch_whole(client: Any) -> None:
    """Have a started client's fetcher read whole batches. Call this before it fetches."""
    client._records = Fetched()


class Fetch(list[Any]):
    """All records of a partition from the offset `begin` up to but not including `next_offset`.

    There may be none, since aborted records and the ends of transactions have offsets too.

    Attributes:
        size: The bytes that were decompressed.
        refused: The last batch, if it was refused as a whole. The list has none of its records.
    """

    def __init__(
        self, records: Iterable[Any], begin: int, next_offset: int, size: int = 0, refused: RefusedBatch | None = None
    ) -> None:
        super().__init__(records)
        self.begin = begin
        self.next_offset = next_offset
        self.size = size
        self.refused = refused

    def __bool__(self) -> bool:
        """Whether any offset was read. The client ignores a list that is false."""
        return self.next_offset > self.begin


class Budget:
    """The bytes that the present poll may still decompress, for all its partitions together."""

    def __init__(self) -> None:
        self.left = MAX_POLL_BYTES

    def renew(self) -> None:
        """Start another poll."""
        self.left = MAX_POLL_BYTES


class Fetched(dict[Any, Any]):
    """The fetched data of a client, by partition. Renew its `budget` before each poll."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget()

    def __setitem__(self, tp: Any, result: Any) -> None:
        if isinstance(result, FetchResult):
            # The client checks for this exact class, so a subclass would not do.
            result.getall = WholeBatches(result, self.budget).getall
        super().__setitem__(tp, result)


class WholeBatches:
    """Reads the fetched data of a partition batch by batch, with records as the client's C code makes them.

    The client itself reads the same records one by one and makes a dataclass of each, which takes several times as
    long.
    """

    def __init__(self, result: Any, budget: Budget) -> None:
        # Reference cycles would keep fetched data until a garbage collection. So this holds a proxy of the result, and
        # drops the client's own iterator, which is not used and refers to its owner.
        self._result: Any = proxy(result)
        result._partition_records._records_iterator = None
        self._budget = budget
        self._left: list[Any] = []
        self._refused: RefusedBatch | None = None
        self._next_offset = result._partition_records.next_fetch_offset

    def getall(self, max_records: int | None = None) -> Sequence[Any]:
        """Return the next records, at most `max_records`, and move the client's position after them."""
        result = self._result
        if not result.check_assignment(result._topic_partition) or not result.has_more():
            return ()
        parts, found = result._partition_records, self._left
        begin, before = parts.next_fetch_offset, self._budget.left
        # If reading raises, the position stays, and the client fetches from there again.
        parts.next_fetch_offset = NOWHERE
        while self._goes_on(parts) and (max_records is None or len(found) < max_records):
            found += self._next(parts)
        many = len(found) if max_records is None else max_records
        found, self._left = found[:many], found[many:]
        given = None
        if not self._left:
            given, self._refused = self._refused, None
        parts.next_fetch_offset = found[-1].offset + 1 if self._left else self._next_offset
        result._update_position()
        if not self._left and not parts._records.has_next():
            result._partition_records = None
        return Fetch(found, begin, parts.next_fetch_offset, before - self._budget.left, given)

    def _goes_on(self, parts: Any) -> bool:
        return parts._records.has_next() and self._budget.left > 0 and self._refused is None

    def _next(self, parts: Any) -> list[Any]:
        data = parts._records.next_bytes()
        batch = opened(data)
        if parts._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {parts._tp}")
        first, self._next_offset = self._next_offset, batch.next_offset
        if _is_aborted(parts, batch) or batch.is_control_batch:
            return []
        try:
            records, size = records_of(data, batch)
        except UnreadableBatchError as why:
            self._refused = refused(data, batch, first, why)
            # Finding this out may have cost as much as a whole poll.
            self._budget.left = 0
            return []
        self._budget.left -= size
        # A fetch from the middle of a batch brings the whole batch.
        return [record for record in records if record.offset >= first] if _begins_before(first, records) else records


def _is_aborted(parts: Any, batch: Any) -> bool:
    """Return whether a batch is of an aborted transaction. Call this for each batch, in order."""
    if parts._isolation_level != READ_COMMITTED or batch.producer_id is None:
        return False
    if not (parts._aborted_transactions or parts._aborted_producers):
        return False
    parts._consume_aborted_up_to(batch.base_offset)
    aborted: set[int] = parts._aborted_producers
    if batch.is_control_batch and parts._contains_abort_marker(batch):
        aborted.discard(batch.producer_id)
    return batch.is_transactional and batch.producer_id in aborted


def _begins_before(offset: int, records: list[Any]) -> bool:
    return bool(records) and records[0].offset < offset


def _paced(fetch: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
    """Wait between fetches, so a few events come together: a poll costs more than the records in it.

    They collect at the broker. Here they would block the next fetch, and with it later events.
    """
    asked: dict[int, float] = {}

    async def paced(assignment: Any, broker: int, request: Any) -> bool:
        left = asked.get(broker, 0.0) + LIVE_EVERY - monotonic()
        try:
            await asyncio.sleep(max(0.0, left))
        except asyncio.CancelledError:
            # Like the client's own fetch: it is closing, or its partitions have moved away.
            return False
        asked[broker] = monotonic()
        return await fetch(assignment, broker, request)

    return paced
