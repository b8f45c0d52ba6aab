"""Reads the newest record of each key: the present content of a compacted topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError as ClientError

from stream.errors import KafkaError
from stream.faust_edge.fetching import fetch_whole
from stream.kafka.places import TP
from stream.kafka.read_results import Latest

POLL_MS = 200
SILENCE = 30.0
"""Seconds without a record after which a read is given up."""


async def latest(brokers: Sequence[str], starts: Mapping[TP, int]) -> dict[TP, Latest]:
    """Read each partition from its offset in `starts` to its present end; 0 is its beginning.

    Raises KafkaError if Kafka does not answer, or gives nothing for `SILENCE`.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(brokers),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        fetch_whole(consumer._fetcher)
        return await _read(consumer, starts)
    except (ClientError, TimeoutError) as error:
        topics = ", ".join(sorted({tp.topic for tp in starts}))
        raise KafkaError(f"Kafka does not return the records of {topics}: {error!r}") from None
    finally:
        await consumer.stop()


async def _read(consumer: Any, starts: Mapping[TP, int]) -> dict[TP, Latest]:
    places = {TopicPartition(*tp): tp for tp in starts}
    consumer.assign(list(places))
    beginnings, ends = await consumer.beginning_offsets(list(places)), await consumer.end_offsets(list(places))
    for place, tp in places.items():
        consumer.seek(place, max(starts[tp], beginnings[place]))
    found = {tp: Latest({}, ends[place]) for place, tp in places.items()}
    came = monotonic()
    while left := [place for place in places if await consumer.position(place) < ends[place]]:
        consumer._fetcher._records.budget.renew()
        polled = await consumer.getmany(*left, timeout_ms=POLL_MS)
        if polled:
            came = monotonic()
        elif monotonic() - came > SILENCE:
            raise TimeoutError(f"nothing came for {SILENCE:.0f} seconds")
        for place, records in polled.items():
            known = found[places[place]]
            for record in records:
                if record.offset < known.end:
                    known.values[record.key] = record.value
                    known.offsets[record.key] = record.offset
            if records.refused is not None:
                known.refused.append(records.refused)
    return found
