"""A log as a broker sends it, and as a client holds it once fetched."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from stream.faust_edge.fetching import Fetched
from stream.kafka.batches import Batches

TP = TopicPartition("events", 0)
CRC_AT, ATTRIBUTES_AT, CONTROL = 17, 21, 0x20
COMMIT, ABORT = struct.pack(">hh", 0, 1), struct.pack(">hh", 0, 0)
NOBODY = -1


class Written(NamedTuple):
    """A batch of a log: its number of records, the offsets left out before it, and the producer of its transaction.

    `ends` is the key of a control batch, which ends its producer's transaction. `size` is bytes of each value.
    """

    records: int
    left_out: int = 0
    producer: int = NOBODY
    ends: bytes = b""
    codec: int = 0
    size: int = 1


class Assignment:
    """The client's position, and whether the partition is assigned to it."""

    def __init__(self, position: int) -> None:
        self.active = True
        self.state = SimpleNamespace(paused=False, position=position)
        self.state.consumed_to = lambda offset: setattr(self.state, "position", offset)

    def state_value(self, _tp: Any) -> Any:
        return self.state


def log(batches: list[Written]) -> bytes:
    """Return the bytes of batches as a broker sends them."""
    found, offset = b"", 0
    for batch in batches:
        offset += batch.left_out
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0 if batch.ends else batch.codec,
            is_transactional=batch.producer != NOBODY,
            producer_id=batch.producer,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=1 << 30,
        )
        count = 1 if batch.ends else batch.records
        for number in range(count):
            key, headers = str(offset + number).encode(), [("h", b"1")] if number % 2 else []
            time = 1_000 + offset + number
            builder.append(number, timestamp=time, key=batch.ends or key, value=b"v" * batch.size, headers=headers)
        made = bytearray(builder.build())
        struct.pack_into(">q", made, 0, offset)
        if batch.ends:
            made[ATTRIBUTES_AT + 1] |= CONTROL
            struct.pack_into(">I", made, CRC_AT, calc_crc32c(bytes(made[ATTRIBUTES_AT:])))
        found += bytes(made)
        offset += count
    return found


def aborted(batches: list[Written]) -> list[tuple[int, int]]:
    """Return the aborted transactions as a broker lists them: producer and first offset."""
    found, begun, offset = [], dict[int, int](), 0
    for batch in batches:
        offset += batch.left_out
        if batch.ends:
            first = begun.pop(batch.producer, None)
            if batch.ends == ABORT and first is not None:
                found.append((batch.producer, first))
        elif batch.producer != NOBODY:
            begun.setdefault(batch.producer, offset)
        offset += 1 if batch.ends else batch.records
    return found


def fetched(batches: list[Written], position: int, isolation: int = READ_COMMITTED) -> tuple[FetchResult, Assignment]:
    """Return what a client has fetched from a position, read by whole batches."""
    result, assignment = of_the_client(Batches(log(batches)), position, isolation, aborted(batches))
    Fetched()[TP] = result
    return result, assignment


def of_the_client(
    records: Any, position: int, isolation: int = READ_COMMITTED, gone: Sequence[tuple[int, int]] = ()
) -> tuple[FetchResult, Assignment]:
    """Return what a client has fetched, read record by record in the client's own way."""
    assignment = Assignment(position)
    parts = PartitionRecords(TP, records, gone, position, None, None, True, isolation)  # noqa: FBT003
    return FetchResult(TP, assignment=assignment, partition_records=parts, backoff=0), assignment
