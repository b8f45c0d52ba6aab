"""The partition of the events topic to which an item belongs: murmur2 of its key, as in Kafka's Java client.

All events of an item must be in one partition, since its history is kept there. librdkafka chooses the same partition
with `partitioner=murmur2_random`; its default is CRC32.
"""

from __future__ import annotations

from struct import iter_unpack
from typing import NamedTuple

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_32_BITS = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


class EventsPartition(NamedTuple):
    """A partition of the events topic, and the number of its partitions."""

    partition: int
    partitions: int

    def elsewhere(self, key: bytes) -> int | None:
        """Give the partition to which records with this key belong; None if it is this one."""
        home = partition_of(key, self.partitions)
        return None if home == self.partition else home


def partition_of(key: bytes, partitions: int) -> int:
    """Give the partition to which a key belongs; `partitions` is their number."""
    return (_murmur2(key) & _POSITIVE) % partitions


def _murmur2(key: bytes) -> int:
    whole = len(key) & ~3
    value = _SEED ^ len(key)
    for (word,) in iter_unpack("<I", key[:whole]):
        mixed = word * _FACTOR & _32_BITS
        mixed = (mixed ^ mixed >> 24) * _FACTOR & _32_BITS
        value = value * _FACTOR & _32_BITS ^ mixed
    if whole < len(key):
        value = (value ^ int.from_bytes(key[whole:], "little")) * _FACTOR & _32_BITS
    value = (value ^ value >> 13) * _FACTOR & _32_BITS
    return value ^ value >> 15
