"""What was fetched comes by whole batches as the client itself would give it, record by record."""

from __future__ import annotations

import gc
import struct
from collections.abc import Sequence
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
COMMIT, ABORT = struct.pack(">hh", 0, 1), struct.pack(">hh", 0, 0)
NOBODY = -1


class Written(NamedTuple):
    """A batch in a log: how many records, how many offsets are left out before it, and by which transaction's producer.

    `ends` is the key of a control batch, which ends the transaction of its producer.
    """

    records: int
    left_out: int = 0
    producer: int = NOBODY
    ends: bytes = b""


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
            is_transactional=batch.producer != NOBODY,
            producer_id=batch.producer,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=1 << 20,
        )
        count = 1 if batch.ends else batch.records
        for number in range(count):
            key, headers = str(offset + number).encode(), [("h", b"1")] if number % 2 else []
            time = 1_000 + offset + number
            builder.append(number, timestamp=time, key=batch.ends or key, value=b"v", headers=headers)
        made = bytearray(builder.build())
        struct.pack_into(">q", made, 0, offset)
        if batch.ends:
            made[ATTRIBUTES_AT + 1] |= CONTROL
            struct.pack_into(">I", made, CRC_AT, calc_crc32c(bytes(made[ATTRIBUTES_AT:])))
        found += bytes(made)
        offset += count
    return found


def aborted(batches: list[Written]) -> list[tuple[int, int]]:
    """Give the transactions that were aborted, as a broker tells them: producer and first offset."""
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
    """Give what a client has fetched from a position on."""
    return fetched_bytes(log(batches), position, isolation, aborted(batches))


def fetched_bytes(
    data: bytes, position: int, isolation: int = READ_COMMITTED, gone: Sequence[tuple[int, int]] = ()
) -> tuple[FetchResult, Assignment]:
    assignment = Assignment(position)
    parts = PartitionRecords(TP, MemoryRecords(data), gone, position, None, None, True, isolation)  # noqa: FBT003
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


written = st.one_of(
    st.builds(Written, st.integers(1, 5), st.integers(0, 3), st.sampled_from([NOBODY, 7, 8]), st.just(b"")),
    st.builds(Written, st.just(1), st.integers(0, 3), st.sampled_from([7, 8]), st.sampled_from([COMMIT, ABORT])),
)


@given(
    st.lists(written, min_size=1, max_size=8),
    st.integers(0, 12),
    st.none() | st.integers(1, 7),
    st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]),
)
def test_it_is_what_the_client_gives(batches: list[Written], position: int, most: int | None, isolation: int) -> None:
    own, own_place = fetched(batches, position, isolation)
    clients, clients_place = fetched(batches, position, isolation)
    mine, its = read(by_batches(own), own_place, most), read(clients, clients_place, most)
    assert [each for records, _ in mine for each in records] == [each for records, _ in its for each in records]
    assert own_place.state.position == clients_place.state.position
    assert all(most is None or len(records) <= most for records, _ in mine)
    # After each call the client stands behind what came, so that nothing is lost if it goes no further.
    for records, place in mine:
        assert not records or place > records[-1][0]
        assert not [each for later, _ in mine for each in later if records and records[-1][0] < each[0] < place]


@given(st.lists(written, min_size=1, max_size=8), st.integers(0, 4), st.none() | st.integers(1, 7))
def test_what_is_given_says_from_where_to_where(batches: list[Written], position: int, most: int | None) -> None:
    # A broker sends whole batches, from the one on in which the position lies.
    result, assignment = fetched(batches, min(position, batches[0].left_out + batches[0].records - 1))
    by_batches(result)
    while result.has_more():
        before = assignment.state.position
        given = result.getall(most)
        assert (given.begin, given.behind) == (before, assignment.state.position)
        assert all(given.begin <= record.offset < given.behind for record in given)
        assert bool(given) == (given.behind > given.begin)


def test_what_was_aborted_takes_up_offsets_and_holds_no_record() -> None:
    batches = [Written(2), Written(3, producer=7), Written(1, producer=7, ends=ABORT)]
    result, _ = fetched(batches, 0)
    given = by_batches(result).getall(None)
    assert ([record.offset for record in given], given.begin, given.behind) == ([0, 1], 0, 6)
    result, _ = fetched(batches, 2)
    given = by_batches(result).getall(None)
    assert (list(given), bool(given), given.behind) == ([], True, 6)


def test_a_damaged_batch_is_refused_and_fetched_again() -> None:
    good, damaged = log([Written(3)]), bytearray(log([Written(3), Written(2)]))
    damaged[-1] ^= 1
    result, assignment = fetched_bytes(bytes(damaged), 0)
    by_batches(result)
    assert len(result.getall(3)) == 3
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        result.getall(3)
    assert (list(result.getall(3)), result.has_more(), assignment.state.position) == ([], False, 3)
    result, assignment = fetched_bytes(good + bytes(damaged[len(good) :]), 0)
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        by_batches(result).getall(5)
    assert (list(result.getall(5)), result.has_more(), assignment.state.position) == ([], False, 0)


def test_after_a_seek_nothing_of_it_is_given() -> None:
    result, assignment = fetched([Written(4)], 0)
    assert len(by_batches(result).getall(2)) == 2
    assignment.state.position = 0
    assert (list(result.getall(2)), result.has_more()) == ([], False)


def test_what_is_dropped_goes_at_once() -> None:
    result, _ = fetched([Written(3)], 0)
    by_batches(result)
    left = ref(result), ref(result._partition_records)
    gc.disable()
    try:
        del result
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
