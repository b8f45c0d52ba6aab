"""The rows of a partition, compressed in memory once there is time for it.

The rows of one table look alike. Against a dictionary that was trained on some of them zstandard makes a fifth of the
rows of a real log, in three microseconds each, and takes one to read one. What recovery reads, and what is written
before the first rows were compressed, is plain until there is time. In Kafka all are plain.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, MutableMapping, Sequence
from typing import Any

import zstandard

from stream.items.row import is_row

# The first byte of a zstandard frame; a plain row begins with its version.
COMPRESSED = zstandard.FRAME_HEADER[0]
SAMPLES = 1_000
DICTIONARY_BYTES = 8_192
LEVEL = 3
# A pass over all rows is worth its time when at least one in so many is plain.
PLAIN_AT_LEAST = 20


class Compression:
    """Compresses rows of one table against what was learnt from some of them."""

    def __init__(self, samples: list[Any]) -> None:
        """Learn from rows, in some tens of milliseconds. Raises `zstandard.ZstdError` where that is too little."""
        learnt = zstandard.train_dictionary(DICTIONARY_BYTES, samples)
        learnt.precompute_compress(level=LEVEL)
        self._compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=learnt, write_dict_id=False).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=learnt).decompress

    def compress(self, row: bytes) -> bytes:
        """Compress a row."""
        # What the compressor gives keeps the memory of the longest that it could have become; a copy has its own size.
        return bytes(memoryview(self._compress(row)))


class Rows(MutableMapping[bytes, bytes]):
    """Rows by key; whoever reads one is given it plain."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._compression: Compression | None = None
        self._plain = 0
        # Rows over which something else was written in the changelog.
        self.overwritten: set[bytes] = set()

    def __getitem__(self, key: bytes) -> bytes:
        return self._read(self._rows[key])

    def get(self, key: bytes, default: Any = None) -> Any:
        """Give a row, or the default."""
        row = self._rows.get(key)
        return default if row is None else self._read(row)

    def stored(self, key: bytes) -> bytes | None:
        """Give what is held of a row, perhaps compressed: the same object for as long as the row is the same."""
        return self._rows.get(key)

    def _read(self, row: bytes) -> bytes:
        if row[0] == COMPRESSED and self._compression is not None:
            return self._compression.decompress(row)
        return row

    def __setitem__(self, key: bytes, row: bytes) -> None:
        if self._compression is None:
            self._rows[key] = row
            self._plain += 1
        else:
            self._rows[key] = self._compression.compress(row)

    def __delitem__(self, key: bytes) -> None:
        del self._rows[key]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def items(self) -> ItemsView[bytes, bytes]:
        """Give all rows by key: at a start each is read."""
        return self._rows.items() if self._compression is None else super().items()

    def take(self, records: Sequence[Any]) -> list[Any]:
        """Take in records of the changelog; one without a value takes its row out.

        Returns those that are no rows; the row that was there before such a one stays.
        """
        rows, count = self._rows, len(self._rows)
        newest = {record.key: record.value for record in records}
        odd: list[Any] = []
        if None in newest or not all(value is None or is_row(value) for value in newest.values()):
            odd = [record for record in records if not _is_of_a_row(record)]
            newest = {record.key: record.value for record in records if _is_of_a_row(record)}
        rows.update(newest)
        for key in [key for key, row in newest.items() if row is None]:
            del rows[key]
        self._plain += max(0, len(rows) - count)
        self.overwritten |= {record.key for record in odd if record.key in rows}
        return odd

    def compress(self) -> Iterator[None]:
        """Compress what is plain, row by row, for the caller to pause; nothing where that would spare little."""
        rows = self._rows
        if self._plain * PLAIN_AT_LEAST < len(rows) or not self._learn():
            return
        self._plain = 0
        for key in list(rows):
            row = rows.get(key)
            if row is not None and row[0] != COMPRESSED and self._compression is not None:
                rows[key] = self._compression.compress(row)
            yield

    def _learn(self) -> bool:
        """Tell whether it is known by now what rows are like."""
        rows = self._rows
        if self._compression is None and len(rows) >= SAMPLES:
            step = len(rows) // SAMPLES
            try:
                self._compression = Compression(list(rows.values())[::step])
            except zstandard.ZstdError:
                # All alike, or too short: they are looked at again when there are others.
                return False
        return self._compression is not None


def _is_of_a_row(record: Any) -> bool:
    return record.key is not None and (record.value is None or is_row(record.value))
