"""Records in our topics that cannot be read are skipped, counted by topic, and named in the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

from stream.gauges.engine_numbers import EngineNumbers
from stream.kafka.batches import RefusedBatch
from stream.kafka.outbox import Row
from stream.kafka.places import TP

# Seconds between two lines about one topic.
LINE_EVERY = 60.0
MAX_SHOWN = 300
logger = logging.getLogger(__name__)


class RecordPlace(NamedTuple):
    """The place of a record, as far as it is known."""

    topic: str
    partition: int
    key: bytes | None = None
    offset: int | None = None

    def __str__(self) -> str:
        offset = "" if self.offset is None else f" at offset {self.offset}"
        key = "" if self.key is None else f" under the key {self.key[:MAX_SHOWN]!r}"
        return f"{self.topic}[{self.partition}]{offset}{key}"


class Unreadable:
    """Counts skipped records in `numbers`, and logs at most one line a minute for each topic."""

    def __init__(self, numbers: EngineNumbers, now: Callable[[], float] = monotonic) -> None:
        self._numbers = numbers
        self._now = now
        self._logged_at: dict[str, float] = {}
        self._not_logged: Counter[str] = Counter()

    def note(self, place: RecordPlace, why: object, fix: str = "", records: int = 1) -> None:
        """Count records that cannot be read, and name one."""
        shown = " ".join(str(why).split())[:MAX_SHOWN]
        fix = fix or "Only flowgauge may write to this topic: find who else does"
        self._note(place.topic, f"{place} cannot be read and is skipped: {shown}. {fix}", records)

    def note_row(self, topic: str, partition: int, record: Any) -> None:
        """Count and name a record of the histories that is not a row. The row before it is kept."""
        self.note(RecordPlace(topic, partition, record.key, record.offset), "it is not a row of an item")

    def note_unwritten(self, tp: TP, row: Row) -> None:
        """Count and name a row that was not written, since it is larger than its topic allows."""
        size = sum(len(part or b"") for part in (row.key, row.value, *(value for _, value in row.headers)))
        fix = "Numbers that need it are missing: raise the topic's max.message.bytes"
        self._note(tp.topic, f"{RecordPlace(*tp, row.key)}: {size:,} bytes are more than the topic allows. {fix}", 1)

    def _note(self, topic: str, line: str, records: int) -> None:
        now = self._now()
        self._numbers.unreadable[topic] += records
        if now - self._logged_at.get(topic, -LINE_EVERY) < LINE_EVERY:
            self._not_logged[topic] += records
            return
        others = self._not_logged.pop(topic, 0)
        also = f" ({others:,} more since the last such line)" if others else ""
        self._logged_at[topic] = now
        logger.warning("%s%s", line, also)

    def note_batch(self, topic: str, partition: int, batch: RefusedBatch) -> None:
        """Count and name a batch that was refused as a whole."""
        self.note(RecordPlace(topic, partition, offset=batch.offset), batch.detail, records=batch.records)
