"""The record batches of a fetched partition: their bytes, and their records unless these are too large.

The client decompresses any batch. Here a batch is refused as a whole if its records take more than `MAX_BATCH_BYTES`
once decompressed, or if they cannot be read. Its bytes are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from stream.events.rejection import Reason
from stream.kafka.compression import CODECS, DamagedError, TooLargeError, decompress

MAX_BATCH_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">8xi")
_BEFORE_LENGTH = _LENGTH.size
_MAGIC_AT = 16
_NEWEST_MAGIC = 2
_ATTRIBUTES = struct.Struct(">h")
_ATTRIBUTES_AT = 21
_COUNT = struct.Struct(">i")
_COUNT_AT = 57
_RECORDS_AT = 61
_CODEC_BITS = 7


class Batches:
    """The batches of a fetched partition, in order. Replaces the client's `MemoryRecords`, which hide the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether a whole batch is left; a fetch may end with part of one."""
        return self._end <= len(self._data)

    def next_batch(self) -> Any:
        """Return the next batch in the client's form."""
        return opened(self.next_bytes())

    def next_bytes(self) -> memoryview:
        """Return the bytes of the next batch."""
        begin, self._at = self._at, self._end
        return self._data[begin : self._at]

    @property
    def _end(self) -> int:
        if len(self._data) - self._at < _BEFORE_LENGTH:
            return len(self._data) + 1
        return self._at + _BEFORE_LENGTH + int(_LENGTH.unpack_from(self._data, self._at)[0])


# The client looks the class up in this module.
fetcher.MemoryRecords = Batches


class RefusedBatch(NamedTuple):
    """A batch that was refused as a whole, in the form of a record. Its value is the batch's bytes, as in the log.

    `offset` is that of its first record that had to be read, and `records` the number from there on. `timestamp` is in
    milliseconds.
    """

    offset: int
    records: int
    timestamp: int
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    reason: Reason
    detail: str
    key: None = None


class UnreadableBatchError(Exception):
    """The records of a batch cannot be read; `reason` and `detail` say why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def opened(data: memoryview) -> Any:
    """Return the client's view of a batch, not yet decompressed. Raises CorruptRecordException if it is too short."""
    if len(data) <= _MAGIC_AT:
        raise CorruptRecordException("a batch is shorter than its header")
    magic = data[_MAGIC_AT]
    return DefaultRecordBatch(data) if magic >= _NEWEST_MAGIC else LegacyRecordBatch(data, magic)


def records_of(data: memoryview, batch: Any) -> tuple[list[Any], int]:
    """Return the records of a batch and their size in bytes, decompressed. Raises UnreadableBatchError."""
    if data[_MAGIC_AT] < _NEWEST_MAGIC:
        # Kafka no longer accepts this format, so nobody can send a hostile batch of it.
        return list(batch), len(data)
    try:
        if not batch.attributes & _CODEC_BITS:
            return list(batch), len(data)
        plain = _decompressed(data, batch.attributes)
        return list(DefaultRecordBatch(plain)), len(plain)
    except TooLargeError:
        detail = f"decompressed it takes more than {MAX_BATCH_BYTES:,} bytes: let its producer send smaller batches"
        raise UnreadableBatchError(Reason.TOO_LARGE, detail) from None
    except (DamagedError, CorruptRecordException) as error:
        raise UnreadableBatchError(Reason.UNREADABLE_BATCH, f"it is damaged: {error}") from None
    except UnicodeDecodeError as error:
        detail = f"a header has a name that is not UTF-8, {error.object[:40]!r}: Kafka wants names in UTF-8"
        raise UnreadableBatchError(Reason.UNREADABLE_BATCH, detail) from None


def _decompressed(data: memoryview, attributes: int) -> bytes:
    codec = attributes & _CODEC_BITS
    if codec >= len(CODECS):
        raise DamagedError(f"no codec has the number {codec}")
    parts = decompress(CODECS[codec], data[_RECORDS_AT:], MAX_BATCH_BYTES)
    head = bytearray(data[:_RECORDS_AT])
    _ATTRIBUTES.pack_into(head, _ATTRIBUTES_AT, attributes & ~_CODEC_BITS)
    return b"".join([head, *parts])


def refused(data: memoryview, batch: Any, first: int, why: UnreadableBatchError) -> RefusedBatch:
    """Return the refused form of a batch whose records are needed from the offset `first` on."""
    offset, next_offset = max(first, batch.base_offset), batch.next_offset
    count = min(_COUNT.unpack_from(data, _COUNT_AT)[0], next_offset - offset)
    codec = batch.attributes & _CODEC_BITS
    headers = {
        "flow_batch_codec": CODECS[codec] if codec < len(CODECS) else str(codec),
        "flow_batch_records": str(count),
        "flow_batch_last_offset": str(next_offset - 1),
    }
    return RefusedBatch(
        offset,
        count,
        batch.max_timestamp,
        bytes(data),
        [(name, text.encode()) for name, text in headers.items()],
        why.reason,
        f"a batch of {count:,} record{'s' * (count != 1)}, up to offset {next_offset - 1}: {why.detail}",
    )
