"""The partition of a key is the one that Java's, kafka-python's and aiokafka's default partitioners choose."""

from __future__ import annotations

import aiokafka.partitioner
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from stream.events.partition import partition_of

KEYS = st.one_of(st.binary(max_size=64), st.text(max_size=32).map(lambda text: text.encode(errors="replace")))


@given(KEYS, st.integers(1, 10_000))
def test_it_is_that_of_the_clients(key: bytes, partitions: int) -> None:
    found = partition_of(key, partitions)
    assert found == (murmur2(key) & 0x7FFFFFFF) % partitions
    assert found == aiokafka.partitioner.DefaultPartitioner()(key, list(range(partitions)), [])


# Hashes that Kafka's own tests of its Java client expect (`UtilsTest.testMurmur2`), without their sign.
@pytest.mark.parametrize(
    ("key", "java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_it_is_that_of_java(key: bytes, java: int) -> None:
    assert partition_of(key, 1 << 31) == java & 0x7FFFFFFF
