"""Unreadable records are counted each time, and named once a minute for each topic."""

from __future__ import annotations

import pytest

from stream.events.rejection import Reason
from stream.gauges.engine_numbers import EngineNumbers
from stream.kafka.batches import RefusedBatch
from stream.worker.unreadable import LINE_EVERY, RecordPlace, Unreadable


def test_one_line_a_minute_and_topic_says_how_many_more_there_were(caplog: pytest.LogCaptureFixture) -> None:
    now, numbers = 0.0, EngineNumbers()
    unreadable = Unreadable(numbers, lambda: now)
    for offset in range(3):
        unreadable.note(RecordPlace("flow.items", 0, b"k\n1", offset), ValueError("no\nJSON"))
    unreadable.note(RecordPlace("flow.histories", 2), "it is short", "Delete it")
    now += LINE_EVERY
    unreadable.note(RecordPlace("flow.items", 1, b"k"), "x" * 1_000, records=5)
    now += LINE_EVERY
    unreadable.note(RecordPlace("flow.items", 1), "y")
    only = "Only flowgauge may write to this topic: find who else does"
    others = " (2 more since the last such line)"
    assert caplog.messages == [
        f"flow.items[0] at offset 0 under the key b'k\\n1' cannot be read and is skipped: no JSON. {only}",
        "flow.histories[2] cannot be read and is skipped: it is short. Delete it",
        f"flow.items[1] under the key b'k' cannot be read and is skipped: {'x' * 300}. {only}{others}",
        f"flow.items[1] cannot be read and is skipped: y. {only}",
    ]
    assert numbers.unreadable == {"flow.items": 9, "flow.histories": 1}


def test_of_a_batch_each_record_counts(caplog: pytest.LogCaptureFixture) -> None:
    numbers = EngineNumbers()
    batch = RefusedBatch(17, 4, 0, b"", (), Reason.TOO_LARGE, "a batch of 4 records, up to offset 20: too large")
    Unreadable(numbers).note_batch("flow.items", 3, batch)
    assert numbers.unreadable == {"flow.items": 4}
    assert caplog.messages[0].startswith("flow.items[3] at offset 17 cannot be read and is skipped: a batch of 4 r")
