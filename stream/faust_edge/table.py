"""The store of the item table: rows of bytes by partition, recovered in batches.

Faust's own store in memory is one dict for all partitions, and keeps the rows of revoked ones. Here the rows of a
revoked partition are dropped. The store also keeps the last changelog offset of each partition, so one that stays in a
rebalance is not read again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, cast

from faust.stores.base import Store
from faust.tables.manager import TableManager
from faust.tables.table import Table
from faust.types import EventT

from stream.kafka.batches import RefusedBatch
from stream.kafka.read_results import Polled
from stream.kafka.rows import Rows

POLL_EVERY = 0.01


class FaustRowStore(Store[bytes, bytes]):
    """Rows by partition.

    Attributes:
        on_recovered: Awaited with the partitions whose rows are complete.
        on_refused: Called with a partition and a batch that was refused as a whole.
        on_unreadable: Called with a partition and a record that is not a row.
    """

    on_recovered: Callable[[set[int]], Awaitable[None]]
    on_refused: Callable[[int, RefusedBatch], None]
    on_unreadable: Callable[[int, Any], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._partitions: dict[int, Rows] = {}
        self._offsets: dict[int, int] = {}

    def rows(self, partition: int) -> Rows:
        """Return the rows of a partition, to read and to write. If Kafka does not accept a change, the process ends."""
        found = self._partitions.get(partition)
        if found is None:
            found = self._partitions[partition] = Rows()
        return found

    def compress(self) -> Iterator[None]:
        """Compress plain rows one by one, so the caller can pause."""
        for rows in list(self._partitions.values()):
            yield from rows.compress()

    def persisted_offset(self, tp: Any) -> int | None:
        """Return the offset of the last changelog record that was read or written here."""
        return self._offsets.get(tp.partition)

    def set_persisted_offset(self, tp: Any, offset: int) -> None:
        """Note the offset of a changelog record that was read or written."""
        self._offsets[tp.partition] = offset

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Callable[[Any], bytes],
        to_value: Callable[[Any], bytes],
    ) -> None:
        """Apply what recovery has read: the value of each event is a batch of changelog records."""
        for event in batch:
            tp = event.message.tp
            batches: Any = event.message.value
            polled: Polled = batches[0][1]
            for record in self.rows(tp.partition).take(polled.records):
                self.on_unreadable(tp.partition, record)
            if polled.refused is not None:
                self.on_refused(tp.partition, polled.refused)
            self.set_persisted_offset(tp, event.message.offset)

    async def on_rebalance(
        self,
        assigned: set[Any],
        revoked: set[Any],
        newly_assigned: set[Any],
        generation_id: int = 0,
    ) -> None:
        """Drop the rows of revoked partitions, and of new ones before they are recovered."""
        topic = self.table.changelog_topic.get_topic_name()
        for tp in revoked | newly_assigned:
            if tp.topic == topic:
                self._partitions.pop(tp.partition, None)
                self._offsets.pop(tp.partition, None)

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        """Report that the rows of the active partitions are complete."""
        await self.on_recovered({tp.partition for tp in active_tps})

    def reset_state(self) -> None:
        """Forget all rows."""
        self._partitions.clear()
        self._offsets.clear()

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        """Do nothing: the changelog is the backup."""

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        """Do nothing: the changelog is the backup."""

    def __getitem__(self, key: bytes) -> bytes:
        return next(rows[key] for rows in self._partitions.values() if key in rows)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise NotImplementedError("rows are written with their batch, see stream/worker/track.py")

    def __delitem__(self, key: bytes) -> None:
        raise NotImplementedError("rows are written with their batch, see stream/worker/track.py")

    def __iter__(self) -> Iterator[bytes]:
        for rows in self._partitions.values():
            yield from rows

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))


class RowTable(Table[bytes, bytes]):
    """A Faust table with a `FaustRowStore`. Faust assigns and recovers it, and the agent `track` writes it."""

    def _new_store(self) -> FaustRowStore:
        return FaustRowStore("rows://", self.app, self, table_name=self.name)

    @property
    def store(self) -> FaustRowStore:
        """Return the store with its own type."""
        store: Any = self.data
        return cast("FaustRowStore", store)


class RowTables(TableManager):
    """Faust's manager of tables, without its wait of a second for further declarations."""

    async def on_start(self) -> None:
        """Subscribe and recover as soon as every agent has named its topic."""
        while len(self.app.topics) < len(self.app.agents) and not self.should_stop:
            await self.sleep(POLL_EVERY)
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()
