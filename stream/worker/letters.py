"""A refused record as a dead letter: bytes unchanged, the reason in headers (`schemas/dead-letter.schema.json`)."""

from __future__ import annotations

from stream.events.time import format_time
from stream.items.tracker import MILLISECOND, Refusal
from stream.kafka.outbox import Row

MAX_DETAIL = 1_000


def dead_letter(refusal: Refusal, topic: str, partition: int) -> Row:
    """Write the dead letter of a record of a partition of the events topic."""
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
