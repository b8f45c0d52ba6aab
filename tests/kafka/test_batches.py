"""Each poll decompresses a bounded number of bytes, and a batch that cannot be read is kept as it came."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from stream.events.rejection import Reason
from stream.faust_edge import fetching
from stream.faust_edge.fetching import Fetch, Fetched
from stream.kafka import batches
from stream.kafka.batches import Batches
from tests.kafka.logs import ATTRIBUTES_AT, CRC_AT, TP, Written, fetched, log, of_the_client

GZIP, ZSTD = 1, 4


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_POLL_BYTES", 1_000)
    monkeypatch.setattr(batches, "MAX_BATCH_BYTES", 4_000)


def offsets(records: Sequence[Any]) -> list[int]:
    return [record.offset for record in records]


@pytest.mark.usefixtures("limits")
def test_a_poll_ends_with_the_batch_that_reaches_the_limit() -> None:
    part, other = [Written(1, codec=ZSTD, size=400)] * 7, TP._replace(partition=1)
    client, results = Fetched(), [of_the_client(Batches(log(part)), 0)[0] for _ in range(2)]
    client[TP], client[other] = results
    polls = []
    while any(result.has_more() for result in results):
        client.budget.renew()
        polls.append([offsets(result.getall()) if result.has_more() else [] for result in results])
    # The limit is for all partitions together, and each has its turn.
    assert polls == [
        [[0, 1, 2], []],
        [[3, 4, 5], []],
        [[6], [0, 1]],
        [[], [2, 3, 4]],
        [[], [5, 6]],
    ]


@pytest.mark.usefixtures("limits")
def test_a_fetch_says_how_much_was_decompressed() -> None:
    result, _ = fetched([Written(1, codec=ZSTD, size=400), Written(1, size=700)], 0)
    given = result.getall()
    assert 1_100 < given.size < 1_400


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("codec", [GZIP, 2, 3, ZSTD])
def test_a_batch_that_becomes_too_large_is_kept_as_it_came(codec: int) -> None:
    bomb = Written(3, codec=codec, size=50_000)
    data = log([Written(2), bomb, Written(2)])
    result, assignment = of_the_client(Batches(data), 0)
    client = Fetched()
    client[TP] = result
    given = result.getall()
    assert (offsets(given), given.next_offset, assignment.state.position) == ([0, 1], 5, 5)
    refused = given.refused
    assert (refused.offset, refused.records, refused.timestamp) == (2, 3, 1_004)
    assert (refused.reason, refused.key) == (Reason.TOO_LARGE, None)
    assert refused.detail.startswith("a batch of 3 records, up to offset 4: decompressed it takes more than 4,000")
    assert refused.headers == [
        ("flow_batch_codec", [b"gzip", b"snappy", b"lz4", b"zstd"][codec - 1]),
        ("flow_batch_records", b"3"),
        ("flow_batch_last_offset", b"4"),
    ]
    # Nothing is lost: a reader with enough memory can read it.
    assert [(record.offset, record.value) for record in DefaultRecordBatch(refused.value)] == [
        (offset, b"v" * 50_000) for offset in (2, 3, 4)
    ]
    client.budget.renew()
    given = result.getall()
    assert (offsets(given), given.refused, result.has_more()) == ([5, 6], None, False)


@pytest.mark.usefixtures("limits")
@given(
    st.lists(st.sampled_from([Written(2, codec=GZIP), Written(3, codec=GZIP, size=50_000)]), min_size=1, max_size=6),
    st.none() | st.integers(1, 3),
)
def test_each_record_is_given_or_refused(written: list[Written], most: int | None) -> None:
    result, assignment = of_the_client(Batches(log(written)), 0)
    client, found = Fetched(), list[int]()
    client[TP] = result
    while result.has_more():
        client.budget.renew()
        given: Fetch = result.getall(most)
        found += offsets(given)
        if given.refused is not None:
            found += range(given.refused.offset, given.refused.offset + given.refused.records)
        # In order, and the position passes nothing that was not given.
        assert found == list(range(assignment.state.position))
    assert len(found) == sum(batch.records for batch in written)


@pytest.mark.usefixtures("limits")
def test_a_batch_that_is_read_from_its_middle_is_refused_from_there() -> None:
    result, _ = fetched([Written(5, codec=GZIP, size=50_000)], 3)
    refused = result.getall().refused
    assert (refused.offset, refused.records) == (3, 2)


def with_payload(payload: bytes, attributes: int = 0, count: int = 1) -> bytes:
    """Return a batch with a correct checksum, and any bytes instead of its records."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number in range(count):
        builder.append(number, timestamp=1_000, key=b"k", value=b"v", headers=[])
    made = bytearray(builder.build()[:61]) + payload
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">h", made, ATTRIBUTES_AT, attributes)
    struct.pack_into(">I", made, CRC_AT, calc_crc32c(bytes(made[ATTRIBUTES_AT:])))
    return bytes(made)


@given(st.binary(max_size=60), st.integers(0, 7))
def test_records_that_cannot_be_read_are_refused(payload: bytes, codec: int) -> None:
    result, _ = of_the_client(Batches(with_payload(payload, codec)), 0)
    Fetched()[TP] = result
    given = result.getall()
    assert len(given) + (0 if given.refused is None else given.refused.records) == 1
    # Some bytes claim a size beyond the limit.
    assert given.refused is None or given.refused.reason in {Reason.UNREADABLE_BATCH, Reason.TOO_LARGE}


def test_a_header_name_that_is_not_utf_8_is_reported() -> None:
    record = bytes([0, 0, 0, 2]) + b"k" + bytes([2]) + b"v" + bytes([2, 4]) + b"\xff\xfe" + bytes([0])
    result, _ = of_the_client(Batches(with_payload(bytes([2 * len(record)]) + record)), 0)
    Fetched()[TP] = result
    refused = result.getall().refused
    assert refused.detail.endswith("a header has a name that is not UTF-8, b'\\xff\\xfe': Kafka wants names in UTF-8")
    assert refused.headers[0] == ("flow_batch_codec", b"none")
