"""The thread of Kafka's client: Faust's, but with our commits and with cheaper polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver

from stream.faust_edge.fetching import fetch_paced
from stream.kafka.places import TP

FETCH_WAIT_MS = 100
# Errors of a commit after, or just before, a rebalance takes the partitions.
NOT_OURS = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


def own_tp(tp: Any) -> TP:
    """Return a client's or Faust's partition as one of ours."""
    return TP(*tp)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, which commits our metadata with the offset."""

    async def on_start(self) -> None:
        """Start the client and replace its fetcher, before it has partitions to fetch."""
        await super().on_start()
        fetch_paced(self._ensure_consumer()._fetcher)

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Kafka answers a waiting fetch as soon as there is a record. The embedded broker answers when the wait is over,
        # so a short wait keeps it live.
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        # Events of an aborted transaction count in no number.
        consumer._isolation_level = "read_committed"
        return consumer

    async def getmany(self, active_partitions: Any, timeout: float) -> Any:
        """Poll the partitions that are active now.

        Faust's own set changes while the poll waits, and to the client an empty set means all partitions. Records that
        a recovery is about to read would then be taken, and lost.
        """
        return await super().getmany(set(active_partitions), timeout)

    async def firsts(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """Return the first offset that each partition still has in Kafka."""
        return dict(await self.call_thread(self._firsts, partitions))

    async def _firsts(self, partitions: Sequence[TP]) -> dict[TP, int]:
        asked = [TopicPartition(*tp) for tp in partitions]
        found = await self._ensure_consumer().beginning_offsets(asked)
        return {own_tp(tp): first for tp, first in found.items()}

    async def put_back(self, taken: Mapping[TP, tuple[int, int]]) -> None:
        """Have the client read records again that were polled and not used.

        `taken` has their first offset and their next offset, by partition. A partition that was sought meanwhile stays
        where it is.
        """
        await self.call_thread(self._put_back, taken)

    async def _put_back(self, taken: Mapping[TP, tuple[int, int]]) -> None:
        positions = self.positions()
        for tp, (first, next_offset) in taken.items():
            if positions.get(tp) == next_offset:
                self._ensure_consumer().seek(TopicPartition(*tp), first)

    async def _highwaters(self, partitions: Any) -> Any:
        """Return the end offsets of partitions, with the records of open transactions, so recovery waits for these.

        Kafka gives a client that reads committed records the offset before the first open transaction. Our rows after
        it would be missing.
        """
        fetcher = copy(self._ensure_consumer()._fetcher)
        fetcher._isolation_level = READ_UNCOMMITTED
        ends = await fetcher.end_offsets(partitions, self._ensure_consumer()._request_timeout_ms)
        return {own_tp(tp): end for tp, end in ends.items()}

    async def _fetch_records(self, consumer: Any, *arguments: Any, **options: Any) -> Any:
        consumer._fetcher._records.budget.renew()
        return await super()._fetch_records(consumer, *arguments, **options)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Do nothing: Faust's check expects single events, and would call every partition stuck.

        `flow_lag_events` and `/live` show a partition that is stuck.
        """

    async def commit_batches(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        """Commit offsets; return False if a rebalance has taken the partitions, whose records then come again."""
        return bool(await self.call_thread(self._commit_batches, offsets))

    def positions(self) -> dict[TP, int]:
        """Return the client's position in each partition that has one."""
        consumer = self._consumer
        subscription = None if consumer is None else consumer._subscription.subscription
        if consumer is None or subscription is None or subscription.assignment is None:
            return {}
        states = {tp: subscription.assignment.state_value(tp) for tp in consumer.assignment()}
        return {own_tp(tp): state.position for tp, state in states.items() if state and state.has_valid_position}

    async def _commit_batches(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        assigned: Any = self.assignment()
        kept = {TopicPartition(*tp): offset for tp, offset in offsets.items() if tp in assigned}
        try:
            if kept:
                await self._ensure_consumer().commit(kept)
        except NOT_OURS:
            return False
        return True
