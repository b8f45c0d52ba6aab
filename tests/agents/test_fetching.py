"""What was fetched comes by whole batches as the client itself would give it, record by record."""

from __future__ import annotations

import gc
import struct
from types import SimpleNamespace
from typing import Any, NamedTuple
from weakref import ref

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.fetching import Fetched

TP = TopicPartition("events", 0)
CRC_AT, ATTRIBUTES_AT, CONTROL = 17, 21, 0x20


class Written(NamedTuple):
    """A batch in a log: how many records, how many offsets are left out before it, whether it is a control batch."""

    records: int
    left_out: int = 0
    control: bool = False


class Assignment:
    """Where the client is to read on, and whether the partition is its own."""

    def __init__(self, position: int) -> None:
        self.active = True
        self.state = SimpleNamespace(paused=False, position=position)
        self.state.consumed_to = lambda offset: setattr(self.state, "position", offset)

    def state_value(self, _tp: Any) -> Any:
        return self.state


def log(batches: list[Written]) -> bytes:
    """Give the bytes of batches as a broker sends them."""
    found, offset = b"", 0
    for batch in batches:
        offset += batch.left_out
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=False,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=1 << 20,
        )
        for number in range(batch.records):
            key, headers = str(offset + number).encode(), [("h", b"1")] if number % 2 else []
            builder.append(number, timestamp=1_000 + offset + number, key=key, value=b"v", headers=headers)
        made = bytearray(builder.build())
        struct.pack_into(">q", made, 0, offset)
        if batch.control:
            struct.pack_into(">h", made, ATTRIBUTES_AT, CONTROL)
            struct.pack_into(">I", made, CRC_AT, calc_crc32c(bytes(made[ATTRIBUTES_AT:])))
        found += bytes(made)
        offset += batch.records
    return found


def fetched(data: bytes, position: int, isolation: int = READ_UNCOMMITTED) -> tuple[FetchResult, Assignment]:
    """Give what a client has fetched from a position on."""
    assignment = Assignment(position)
    parts = PartitionRecords(TP, MemoryRecords(data), [], position, None, None, True, isolation)  # noqa: FBT003
    return FetchResult(TP, assignment=assignment, partition_records=parts, backoff=0), assignment


def by_batches(result: FetchResult) -> FetchResult:
    Fetched()[TP] = result
    return result


def read(result: FetchResult, assignment: Assignment, most: int | None) -> list[Any]:
    """Read to the end, and note after each call what came and where the client stands."""
    found = []
    while result.has_more():
        records = [
            (each.offset, each.timestamp, each.key, each.value, tuple(each.headers)) for each in result.getall(most)
        ]
        found.append((records, assignment.state.position))
    return found


written = st.builds(Written, st.integers(1, 5), st.integers(0, 3), st.booleans())


@given(st.lists(written, min_size=1, max_size=5), st.integers(0, 12), st.none() | st.integers(1, 7))
def test_it_is_what_the_client_gives(batches: list[Written], position: int, most: int | None) -> None:
    data = log(batches)
    own, own_place = fetched(data, position)
    clients, clients_place = fetched(data, position)
    mine, its = read(by_batches(own), own_place, most), read(clients, clients_place, most)
    assert [each for records, _ in mine for each in records] == [each for records, _ in its for each in records]
    assert own_place.state.position == clients_place.state.position
    assert all(most is None or len(records) <= most for records, _ in mine)
    # After each call the client stands behind what came, so that nothing is lost if it goes no further.
    for records, place in mine:
        assert not records or place > records[-1][0]
        assert not [each for later, _ in mine for each in later if records and records[-1][0] < each[0] < place]


def test_a_damaged_batch_is_refused_and_fetched_again() -> None:
    good, damaged = log([Written(3)]), bytearray(log([Written(3), Written(2)]))
    damaged[-1] ^= 1
    result, assignment = fetched(bytes(damaged), 0)
    by_batches(result)
    assert len(result.getall(3)) == 3
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        result.getall(3)
    assert (result.getall(3), result.has_more(), assignment.state.position) == ([], False, 3)
    result, assignment = fetched(good + bytes(damaged[len(good) :]), 0)
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        by_batches(result).getall(5)
    assert (result.getall(5), result.has_more(), assignment.state.position) == ([], False, 0)


def test_after_a_seek_nothing_of_it_is_given() -> None:
    result, assignment = fetched(log([Written(4)]), 0)
    assert len(by_batches(result).getall(2)) == 2
    assignment.state.position = 0
    assert (result.getall(2), result.has_more()) == ([], False)


def test_who_reads_only_what_was_committed_has_the_clients_own_way() -> None:
    result, _ = fetched(log([Written(4)]), 0, READ_COMMITTED)
    assert "getall" not in vars(by_batches(result))


def test_what_is_dropped_goes_at_once() -> None:
    result, _ = fetched(log([Written(3)]), 0)
    by_batches(result)
    left = ref(result), ref(result._partition_records)
    gc.disable()
    try:
        del result
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
