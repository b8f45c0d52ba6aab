"""Refuses to work if rows are not in the partition of their key, since an item may then have two histories.

Events are sent on to the partition of their key, so all events of an item are in one history. Rows may be elsewhere if
an older version wrote them, or if partitions were added later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from stream.errors import KafkaError
from stream.events.partition import EventsPartition
from stream.items.tracker import record_key

CHUNK = 2_000
UNFINISHED = 0
"""The number of partitions that is committed while a repartition is under way."""


def check_placed(topic: str, placed: Mapping[int, int | None], now: int) -> None:
    """Refuse rows that were placed for another number of partitions than `now`. Raises KafkaError.

    `placed` is that number by partition of the events topic; None if it is not known.
    """
    for partition, then in sorted(placed.items()):
        if then == UNFINISHED:
            raise KafkaError(f"a repartition of {topic!r} was cut short: {_command()}")
        if then is not None and then != now:
            detail = f"the items of partition {partition} were placed for {then} partitions, but there are {now}"
            raise KafkaError(f"topic {topic!r}: {detail}. Stop all workers, then run: {_command(now)}")


async def check_rows(topic: str, keys: Collection[bytes], place: EventsPartition) -> None:
    """Check the keys of all rows of a partition, with pauses. Raises KafkaError if any belongs to another one."""
    misplaced = 0
    first = b""
    for number, key in enumerate(list(keys)):
        if place.elsewhere(record_key(key)) is not None:
            first = first or key
            misplaced += 1
        if not number % CHUNK:
            await asyncio.sleep(0)
    if misplaced:
        home = place.elsewhere(record_key(first))
        which = f"item {record_key(first).decode(errors='replace')!r} belongs to partition {home} of {place.partitions}"
        more = f", and {misplaced - 1:,} more to others" if misplaced > 1 else ""
        fix = f"Stop all workers, then run: {_command()}"
        raise KafkaError(f"topic {topic!r}, partition {place.partition}: {which}{more}. {fix}")


def _command(partitions: int | None = None) -> str:
    return "flowgauge topics repartition" + ("" if partitions is None else f" --to {partitions}")
