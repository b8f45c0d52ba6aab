"""Dead letters: refused records with their bytes unchanged and the reason in headers.

`schemas/dead-letter.schema.json` describes them. They are written compressed. A record that is still too large for the
topic is kept in several letters.
"""

from __future__ import annotations

from uuid import uuid4

import zstandard

from stream.events.time import format_time
from stream.items.outcome import MILLISECOND, Refusal
from stream.kafka.outbox import Row
from stream.kafka.topics import MIB

MAX_DETAIL = 1_000
# The topic takes 17 MiB, which leaves a megabyte for the headers.
MAX_LETTER_BYTES = 16 * MIB
PART_BYTES = 8 * MIB


def dead_letter(refusal: Refusal, topic: str, partition: int) -> Row:
    """Write the dead letter of a record of the events topic."""
    record, rejection = refusal.record, refusal.rejection
    why = {
        "flow_reason": rejection.reason.value,
        "flow_detail": rejection.detail[:MAX_DETAIL],
        "flow_topic": topic,
        "flow_partition": str(partition),
        "flow_offset": str(record.offset),
        "flow_arrival": format_time(record.timestamp * MILLISECOND),
    }
    headers = [*record.headers, *((name, text.encode()) for name, text in why.items())]
    return Row(record.key, record.value, None, headers)


def dead_letters(refusal: Refusal, topic: str, partition: int) -> list[Row]:
    """Write a record as one dead letter, or as several parts, each of which fits into the topic uncompressed."""
    letter = dead_letter(refusal, topic, partition)
    value = letter.value
    if value is None or len(value) <= MAX_LETTER_BYTES or _compressed(value) <= MAX_LETTER_BYTES:
        return [letter]
    parts = [value[begin : begin + PART_BYTES] for begin in range(0, len(value), PART_BYTES)]
    name = uuid4().hex
    return [
        letter._replace(value=part, headers=[*letter.headers, *_numbered(name, number, len(parts))])
        for number, part in enumerate(parts, 1)
    ]


def _compressed(value: bytes) -> int:
    return len(zstandard.ZstdCompressor().compress(value))


def _numbered(name: str, number: int, parts: int) -> list[tuple[str, bytes]]:
    headers = {"flow_parts_id": name, "flow_part": str(number), "flow_parts": str(parts)}
    return [(header, text.encode()) for header, text in headers.items()]
