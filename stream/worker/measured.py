"""One partition of `flow.items` that this worker counts. The object lives as long as the assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stream.flow.boards import Boards
from stream.items.codec import counted, decode_counted
from stream.items.objective import Objective
from stream.items.outcome import SummaryRow
from stream.items.summary import Counted
from stream.kafka.places import TP
from stream.worker.feed_memory import FeedMemory
from stream.worker.readiness import Shown
from stream.worker.unreadable import RecordPlace


class Measured:
    """The summaries of a partition: on the boards, or noted until they are counted.

    `derivation` is the name of the configuration and clock whose summaries count. `unreadable` is called with the place
    of each record that is not a summary. `live` says whether the partition was read to its end once: then summaries are
    counted as they come.
    """

    def __init__(
        self, tp: TP, boards: Boards, derivation: str, unreadable: Callable[[RecordPlace, ValueError], None]
    ) -> None:
        self.tp = tp
        self._boards = boards
        self._derivation = derivation
        self._unreadable = unreadable
        # Each summary of this derivation has this text in it.
        self._mark = f'"config":"{derivation}"'.encode()
        # During a backlog an item has many summaries, and the boards need the last one only.
        self._noted: dict[bytes, bytes | Counted | Objective | None] = {}
        self.live = False
        self.shown = Shown(tp.partition)
        self.feed_memory = FeedMemory()

    def finish(self) -> None:
        """Remove all summaries from the boards, since another worker has the partition."""
        self._noted.clear()
        self._boards.drop(self.tp.partition)

    @property
    def noted(self) -> int:
        """How many items have a summary that is not counted yet."""
        return len(self._noted)

    def add(self, row: SummaryRow) -> None:
        """Count a summary of this worker's own; before the partition is live, only note it."""
        summary = None if row.summary is None else counted(row.summary)
        if self.live:
            self._boards.put(self.tp.partition, row.key, summary)
        else:
            self._noted[row.key] = summary

    def add_read(self, records: Iterable[Any]) -> None:
        """Count summaries that were read from Kafka; before the partition is live, only note the newest of each."""
        for record in records:
            key, value = record.key or b"", record.value
            if not self.live and (value is None or self._mark in value):
                self._noted[key] = value
            else:
                self._put(key, value, record.offset)

    async def count_noted(self, now: int) -> None:
        """Count what was noted, as of `now` (microseconds), in slices, so that the event loop goes on."""
        at_once = self._boards.at_once
        self._boards.advance(now)
        while self._noted:
            self._count([self._noted.popitem() for _ in range(min(at_once, len(self._noted)))])
            await asyncio.sleep(0)

    def _count(self, rows: Sequence[tuple[bytes, bytes | Counted | Objective | None]]) -> None:
        found: dict[bytes, Counted | Objective] = {}
        for key, noted in rows:
            summary = self._decoded(key, noted) if isinstance(noted, bytes) else noted
            if summary is not None:
                found[key] = summary
            elif noted is None:
                self._boards.put(self.tp.partition, key, None)
        self._boards.put_all(self.tp.partition, found)

    def _put(self, key: bytes, value: bytes | None, offset: int | None) -> None:
        summary = None if value is None else self._decoded(key, value, offset)
        if summary is not None or value is None:
            self._boards.put(self.tp.partition, key, summary)

    def _decoded(self, key: bytes, value: bytes, offset: int | None = None) -> Counted | Objective | None:
        try:
            return decode_counted(value, self._derivation)
        except ValueError as error:
            self._unreadable(RecordPlace(*self.tp, key, offset), error)
            return None
