"""Faust's consumer, in the form that the worker uses."""

from __future__ import annotations

from typing import Any

from stream.faust_edge.consumer import BatchesMessage, Consumer
from stream.kafka.places import TP
from stream.kafka.read_results import Polled


class AckedMessage:
    """The delivery of a batch. Faust's message lives until everything is durable, its records until they are taken."""

    def __init__(self, message: BatchesMessage, consumer: Any) -> None:
        self._message = message
        self._consumer = consumer

    def taken(self) -> None:
        """Keep the message, but free its records."""
        self._message.take()

    def done(self) -> None:
        """Acknowledge the message, which Faust counts as work in progress until then."""
        self._message.ack(self._consumer)


class FaustStreams:
    """Forwards calls to the app's consumer, which Faust creates only when it starts."""

    def __init__(self, app: Any) -> None:
        self._app = app

    @property
    def _consumer(self) -> Consumer:
        consumer: Consumer = self._app.consumer
        return consumer

    def reached(self, tp: TP) -> int:
        """Return the next offset to process."""
        return self._consumer.reached(tp)

    def follows(self, tp: TP, polled: Polled) -> bool:
        """Return whether a batch leaves no record unprocessed."""
        return self._consumer.follows(tp, polled)

    def processed(self, tp: TP, next_offset: int) -> None:
        """Note that everything before `next_offset` was processed."""
        self._consumer.processed(tp, next_offset)

    def complete(self, tp: TP, next_offset: int, metadata: str) -> None:
        """Note that everything before `next_offset` is durable, and may be committed with this metadata."""
        self._consumer.complete(tp, next_offset, metadata)

    def see_committed(self, tp: TP, offset: int) -> None:
        """Note the offset that Kafka has, so an older commit that arrived last is replaced."""
        self._consumer.see_committed(tp, offset)

    async def read_again(self, tp: TP) -> None:
        """Read a partition again from the next offset to process."""
        await self._consumer.read_again(tp)

    async def begin_at(self, tp: TP, offset: int) -> None:
        """Read a partition from `offset`, whatever was processed of it."""
        await self._consumer.begin_at(tp, offset)

    async def force_commit(self) -> bool:
        """Commit what was completed; return whether anything was committed."""
        return await self._consumer.force_commit()

    async def recover_missing(self) -> dict[TP, int]:
        """Read lost records again; return the first offsets of partitions where they are gone."""
        return await self._consumer.recover_missing()
