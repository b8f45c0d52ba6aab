"""What was read from a partition: the batch of one poll, or the newest record of each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stream.kafka.batches import RefusedBatch


class Polled(NamedTuple):
    """The records of a partition that one poll brought.

    Attributes:
        previous: The next offset after what was delivered before.
        records: The records, in order.
        end: The next offset after this poll. Aborted records have offsets too, so it may be after the last record.
        size: The bytes that were decompressed.
        refused: A batch after the records, if it was refused as a whole.
    """

    previous: int
    records: Sequence[Any]
    end: int = 0
    size: int = 0
    refused: RefusedBatch | None = None

    @property
    def next_offset(self) -> int:
        """The offset after everything that was read."""
        return max(self.end, self.records[-1].offset + 1) if self.records else self.end


@dataclass
class Latest:
    """The newest records of a partition that was read to its end.

    Attributes:
        values: The newest value of each key; None for a tombstone.
        end: The offset up to which the partition was read.
        refused: The batches that were refused as a whole.
        offsets: The offsets of the values.
    """

    values: dict[bytes, bytes | None]
    end: int
    refused: list[RefusedBatch] = field(default_factory=list)
    offsets: dict[bytes, int] = field(default_factory=dict, compare=False)
