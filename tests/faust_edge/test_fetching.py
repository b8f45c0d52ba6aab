"""Fetched whole batches have the same records as the client itself would return."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from stream.faust_edge.fetching import Fetched
from stream.kafka.batches import Batches
from tests.kafka.logs import ABORT, COMMIT, NOBODY, TP, Assignment, Written, aborted, fetched, log, of_the_client


def read(result: FetchResult, assignment: Assignment, most: int | None) -> list[Any]:
    """Read to the end, and note the records and the client's position after each call."""
    found = []
    while result.has_more():
        records = [
            (each.offset, each.timestamp, each.key, each.value, tuple(each.headers)) for each in result.getall(most)
        ]
        found.append((records, assignment.state.position))
    return found


def some(records: SearchStrategy[int], producers: list[int], ends: list[bytes]) -> SearchStrategy[Written]:
    """Return batches in each codec."""
    kind = st.sampled_from(producers), st.sampled_from(ends), st.integers(0, 4)
    return st.tuples(records, st.integers(0, 3), *kind).map(lambda parts: Written(*parts))


written = some(st.integers(1, 5), [NOBODY, 7, 8], [b""]) | some(st.just(1), [7, 8], [COMMIT, ABORT])


@given(
    st.lists(written, min_size=1, max_size=8),
    st.integers(0, 12),
    st.none() | st.integers(1, 7),
    st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]),
)
def test_records_are_those_that_the_client_gives(
    batches: list[Written], position: int, most: int | None, isolation: int
) -> None:
    own, own_place = fetched(batches, position, isolation)
    clients, clients_place = of_the_client(MemoryRecords(log(batches)), position, isolation, aborted(batches))
    mine, its = read(own, own_place, most), read(clients, clients_place, most)
    assert [each for records, _ in mine for each in records] == [each for records, _ in its for each in records]
    assert own_place.state.position == clients_place.state.position
    assert all(most is None or len(records) <= most for records, _ in mine)
    # After each call the client's position follows the returned records, so nothing is lost if it stops there.
    for records, place in mine:
        assert not records or place > records[-1][0]
        assert not [each for later, _ in mine for each in later if records and records[-1][0] < each[0] < place]


@given(st.lists(written, min_size=1, max_size=8), st.integers(0, 4), st.none() | st.integers(1, 7))
def test_a_fetch_has_its_first_and_next_offset(batches: list[Written], position: int, most: int | None) -> None:
    # A broker sends whole batches, starting with the one that contains the position.
    result, assignment = fetched(batches, min(position, batches[0].left_out + batches[0].records - 1))
    while result.has_more():
        before = assignment.state.position
        given = result.getall(most)
        assert (given.begin, given.next_offset) == (before, assignment.state.position)
        assert all(given.begin <= record.offset < given.next_offset for record in given)
        assert bool(given) == (given.next_offset > given.begin)


def test_aborted_records_have_offsets_but_are_not_given() -> None:
    batches = [Written(2), Written(3, producer=7), Written(1, producer=7, ends=ABORT)]
    result, _ = fetched(batches, 0)
    given = result.getall(None)
    assert ([record.offset for record in given], given.begin, given.next_offset) == ([0, 1], 0, 6)
    result, _ = fetched(batches, 2)
    given = result.getall(None)
    assert (list(given), bool(given), given.next_offset) == ([], True, 6)


def test_a_damaged_batch_is_refused_and_fetched_again() -> None:
    damaged = bytearray(log([Written(3), Written(2)]))
    damaged[-1] ^= 1
    result, assignment = of_the_client(Batches(damaged), 0)
    Fetched()[TP] = result
    assert len(result.getall(3)) == 3
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        result.getall(3)
    assert (list(result.getall(3)), result.has_more(), assignment.state.position) == ([], False, 3)
    result, assignment = of_the_client(Batches(damaged), 0)
    Fetched()[TP] = result
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        result.getall(5)
    assert (list(result.getall(5)), result.has_more(), assignment.state.position) == ([], False, 0)


def test_after_a_seek_nothing_fetched_before_is_given() -> None:
    result, assignment = fetched([Written(4)], 0)
    assert len(result.getall(2)) == 2
    assignment.state.position = 0
    assert (list(result.getall(2)), result.has_more()) == ([], False)


def test_dropped_data_is_freed_at_once() -> None:
    result, _ = fetched([Written(3)], 0)
    left = ref(result), ref(result._partition_records)
    gc.disable()
    try:
        del result
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
