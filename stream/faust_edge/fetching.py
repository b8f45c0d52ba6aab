"""How the client fetches: whole batches at a time, and events that come together when few come at a time.

What is fetched is compressed, and bounded by the client. What is decompressed at a time is bounded here.
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

# Seconds between two fetches from a broker.
LIVE_EVERY = 0.006
# Bytes. A poll ends with the batch that reaches them.
MAX_POLL_BYTES = 16 * 1024 * 1024
NOWHERE = -1


def fetch_lively(client: Any) -> None:
    """Have a started client's fetcher do so, before it fetches."""
    fetch_whole(client)
    client._proc_fetch_request = _paced(client._proc_fetch_request)


def fetch_whole(client: Any) -> None:
    """Have a started client's fetcher give whole batches, before it fetches."""
    client._records = Fetched()


class Fetch(list[Any]):
    """Records that follow one another in a partition: all that it holds from offset `begin` up to before `behind`.

    There may be none: the end of a transaction, and what was written in one that was aborted, take up offsets too.
    `refused` is a batch that stands last and of which no record is given. `size` is bytes, decompressed.
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
        """Whether anything was read. The client hands on only what is true."""
        return self.next_offset > self.begin


class Budget:
    """How many bytes the present poll may still decompress, of all its partitions together."""

    def __init__(self) -> None:
        self.left = MAX_POLL_BYTES

    def renew(self) -> None:
        """Begin another poll."""
        self.left = MAX_POLL_BYTES


class Fetched(dict[Any, Any]):
    """What a client has fetched, by partition; the `budget` is to be renewed before each poll."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget()

    def __setitem__(self, tp: Any, result: Any) -> None:
        if isinstance(result, FetchResult):
            # The client asks for the very class, so that it cannot be another one.
            result.getall = WholeBatches(result, self.budget).getall
        super().__setitem__(tp, result)


class WholeBatches:
    """What was fetched of a partition, read by batches, with records as the client's C code has them.

    The client's own way is the same record by record, and makes a dataclass of each: that takes several times as long.
    """

    def __init__(self, result: Any, budget: Budget) -> None:
        # Without cycles what was fetched goes with its result, and does not wait for the garbage collector: the result
        # has this, and its records have the client's own way of reading them, which nobody goes.
        self._result: Any = proxy(result)
        result._partition_records._records_iterator = None
        self._budget = budget
        self._left: list[Any] = []
        self._refused: RefusedBatch | None = None
        self._next_offset = result._partition_records.next_fetch_offset

    def getall(self, max_records: int | None = None) -> Sequence[Any]:
        """Give the next records, at most so many, and move the client's position behind them."""
        result = self._result
        if not result.check_assignment(result._topic_partition) or not result.has_more():
            return ()
        parts, found = result._partition_records, self._left
        begin, before = parts.next_fetch_offset, self._budget.left
        # What cannot be read raises; then the position stays where it was, and from there it is fetched again.
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
            # To find that out may have taken as long as a whole poll.
            self._budget.left = 0
            return []
        self._budget.left -= size
        # A batch comes as a whole, also when it is asked for from its middle.
        return [record for record in records if record.offset >= first] if _begins_before(first, records) else records


def _is_aborted(parts: Any, batch: Any) -> bool:
    """Tell whether a batch was written in a transaction that was aborted; of each batch, in their order."""
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
    """Let events come together at the broker when few come at a time: a poll costs more than what it brings.

    There and not here, where they would wait together with the next request, and those behind them for that one.
    """
    asked: dict[int, float] = {}

    async def paced(assignment: Any, broker: int, request: Any) -> bool:
        left = asked.get(broker, 0.0) + LIVE_EVERY - monotonic()
        try:
            await asyncio.sleep(max(0.0, left))
        except asyncio.CancelledError:
            # As the client's own fetch does: it is closing, or the partitions have moved away.
            return False
        asked[broker] = monotonic()
        return await fetch(assignment, broker, request)

    return paced
