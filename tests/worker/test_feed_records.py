"""Which numbers of a node are news, compared with what was sent before."""

from __future__ import annotations

from typing import Any

import pytest

from stream.events.event import SECOND
from stream.flow.report import NodeNumbers, as_json
from stream.worker import feed_records
from tests.worker.nodes import AT, CREDIT, begun, team


def test_json_of_a_node_to_which_nothing_happens_is_made_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(numbers: NodeNumbers, at: int) -> dict[str, Any]:
        made.append((at - AT) // SECOND)
        return as_json(numbers, at)

    monkeypatch.setattr(feed_records, "as_json", counted)
    sent, idle, busy = feed_records.NodeRecords(), team(), team(1, node=CREDIT, ages=begun(AT))
    for second in range(150):
        sent.sent(list(sent.look([idle, busy], AT + second * SECOND)))
    assert made == [0, 0, 60, 60, 120, 120]
