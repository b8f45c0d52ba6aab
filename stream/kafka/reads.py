"""What was read from a partition: a batch that a poll brought, or the newest record of each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stream.kafka.batches import RefusedBatch


class Polled(NamedTuple):
    """The records of one poll, and the offset in the partition that they follow.

    `end` is the offset up to before which the partition was read: what was aborted takes up offsets too. `size` is how
    many bytes were decompressed. `refused` is a batch behind the records, of which none is given.
    """

    previous: int
    records: Sequence[Any]
    end: int = 0
    size: int = 0
    refused: RefusedBatch | None = None

    @property
    def next_offset(self) -> int:
        """The offset after the last record."""
        return max(self.end, self.records[-1].offset + 1) if self.records else self.end


@dataclass
class Latest:
    """The newest value of each key that was read, None for a tombstone, and the offset behind what was read.

    `refused` are batches of which nothing was read. `offsets` say where the values are.
    """

    values: dict[bytes, bytes | None]
    end: int
    refused: list[RefusedBatch] = field(default_factory=list)
    offsets: dict[bytes, int] = field(default_factory=dict, compare=False)
