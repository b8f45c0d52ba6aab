"""Copies records from one topic to another, either to the partitions of their keys or unchanged, and counts them."""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from stream.errors import KafkaError
from stream.events.partition import partition_of
from stream.items.merging import merge_rows
from stream.items.tracker import record_key
from stream.kafka.outbox import Outbox, Row
from stream.kafka.places import TP
from stream.kafka.reader import OffsetRange, Reader

# Seconds.
WRITE_DEADLINE = 120.0
Progress = Callable[[int], None]
"""Called with the number of records done since the last call."""


@dataclass
class Histories:
    """The result of copying histories.

    Attributes:
        counts: The rows written to each partition.
        merged: The number of items that had several rows.
        left_out: The events that did not fit into an item's merged row, by item.
    """

    counts: Counter[int] = field(default_factory=Counter)
    merged: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def merge(self, topic: str, records: Sequence[Any]) -> Row:
        """Merge the rows of an item into one. Raises KafkaError if a row cannot be read."""
        key, in_order = records[0].key, sorted(records, key=lambda record: record.partition)
        try:
            value, left_out = merge_rows([record.value for record in in_order])
        except (ValueError, KeyError, IndexError, TypeError, struct.error) as error:
            places = ", ".join(f"{topic}[{record.partition}] at {record.offset}" for record in records)
            raise KafkaError(f"the rows of item {_text(key)!r} in {places} cannot be read: {error}") from None
        self.merged += 1
        if left_out:
            self.left_out[_text(key)] += left_out
        return Row(key, value, max(record.timestamp for record in records))


class Copier:
    """Copies records into a topic; use it as an async context manager. It calls `progress` after each write."""

    def __init__(self, brokers: Sequence[str], progress: Progress) -> None:
        self.reader = Reader(brokers)
        self._other = Reader(brokers)
        self._outbox = Outbox(brokers, WRITE_DEADLINE, lambda: None, idempotent=True, compression="zstd")
        self._progress = progress

    async def __aenter__(self) -> Self:
        await self._outbox.start()
        await self.reader.__aenter__()
        await self._other.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._other.__aexit__(kind, error, trace)
        await self.reader.__aexit__(kind, error, trace)
        await self._outbox.stop()

    async def by_key(self, topic: str, spans: Iterable[OffsetRange], target: str, partitions: int) -> Counter[int]:
        """Copy records to the partitions of their keys, and return how many went to each.

        A record without a key belongs to no partition, so these are spread over all.
        """
        counts: Counter[int] = Counter()
        async for partition, records in self.reader.read(topic, spans):
            rows: dict[int, list[Row]] = defaultdict(list)
            for record in records:
                home = partition % partitions if record.key is None else partition_of(record.key, partitions)
                rows[home].append(_row(record))
            counts.update(await self._write(target, rows))
        return counts

    async def histories(self, topic: str, spans: Sequence[OffsetRange], target: str, partitions: int) -> Histories:
        """Copy the newest row of each item to the partition of its key. Rows in several partitions are merged."""
        done = Histories()
        newest = await self._newest(topic, spans)
        times = Counter(key for keys in newest.values() for key in keys)
        held: dict[bytes, list[Any]] = defaultdict(list)
        async for partition, records in self.reader.read(topic, spans):
            keys, rows = newest[partition], defaultdict[int, list[Row]](list)
            for record in records:
                if keys.get(record.key) != record.offset:
                    continue
                row = _row(record)
                if times[record.key] > 1:
                    held[record.key].append(record)
                    if len(held[record.key]) < times[record.key]:
                        continue
                    row = done.merge(topic, held.pop(record.key))
                rows[partition_of(record_key(record.key), partitions)].append(row)
            done.counts.update(await self._write(target, rows))
        return done

    async def _newest(self, topic: str, spans: Iterable[OffsetRange]) -> dict[int, dict[bytes, int]]:
        """Return the offset of each item's newest row, by partition; a removed item has none."""
        newest: dict[int, dict[bytes, int]] = defaultdict(dict)
        async for partition, records in self.reader.read(topic, spans):
            found = newest[partition]
            for record in records:
                if record.value is None:
                    found.pop(record.key, None)
                else:
                    found[record.key] = record.offset
        return newest

    async def misplaced(self, topic: str, spans: Iterable[OffsetRange], partitions: int) -> int:
        """Count the items that have a row in another partition than that of their key."""
        newest = await self._newest(topic, spans)
        return len(
            {
                key
                for partition, keys in newest.items()
                for key in keys
                if partition_of(record_key(key), partitions) != partition
            }
        )

    async def back(self, source: str, target: str, ends: Mapping[int, int]) -> dict[int, int]:
        """Copy partitions, up to `ends`, to the same ones of another topic, which may have a part of them already.

        Returns, by partition, the offset up to which both are the same. It is less than the end if others have written
        to the target too.
        """
        there = await self.reader.spans(target, ends)
        same = {span.partition: await self._common(source, target, ends[span.partition], span) for span in there}
        # The next offset of each partition that only this copy has written to.
        reached = {span.partition: span.end for span in there if span.end == same[span.partition]}
        async for number, records in self.reader.read(
            source, [OffsetRange(n, first, ends[n]) for n, first in same.items()]
        ):
            rows = [_row(record) for record in records]
            written = (await self._outbox.write({TP(target, number): rows}))[TP(target, number)]
            if reached.get(number) == written.first and written.last - written.first + 1 == len(rows):
                reached[number] = same[number] = written.last + 1
            else:
                reached.pop(number, None)
            self._progress(len(rows))
        return same

    async def _common(self, source: str, target: str, end: int, there: OffsetRange) -> int:
        """Count the leading records that are the same, at the same offsets, in a partition of two topics."""
        number = 0
        span = OffsetRange(there.partition, 0, min(end, there.end))
        ours, theirs = (
            _one_by_one(reader.read(topic, [span])) for reader, topic in ((self.reader, source), (self._other, target))
        )
        async with aclosing(ours), aclosing(theirs):
            async for record in theirs:
                other = await anext(ours, None)
                if other is None or record.offset != number or _row(record) != _row(other):
                    break
                number += 1
        return number

    async def _write(self, target: str, rows: Mapping[int, list[Row]]) -> dict[int, int]:
        await self._outbox.write({TP(target, partition): part for partition, part in rows.items()})
        counts = {partition: len(part) for partition, part in rows.items()}
        self._progress(sum(counts.values()))
        return counts


async def _one_by_one(batches: AsyncGenerator[tuple[int, list[Any]], None]) -> AsyncGenerator[Any, None]:
    async with aclosing(batches):
        async for _, batch in batches:
            for record in batch:
                yield record


def _row(record: Any) -> Row:
    return Row(record.key, record.value, record.timestamp, record.headers)


def _text(key: bytes) -> str:
    return record_key(key).decode(errors="replace")
