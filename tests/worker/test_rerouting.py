"""An event in the wrong partition is durable in the right one before its offset is completed. Its source is named."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace

import pytest

from stream.events.partition import partition_of
from stream.gauges.engine_numbers import EngineNumbers
from stream.items.outcome import Outcome, Reroute
from stream.kafka.outbox import Row
from stream.kafka.places import TP
from stream.worker.rerouting import EVERY, Rerouting
from tests.worker.test_track import EVENTS, Worker, run

PARTITIONS = 4
HERE = next(str(number) for number in range(100) if partition_of(str(number).encode(), PARTITIONS) == 0)
ELSEWHERE = next(str(number) for number in range(100) if partition_of(str(number).encode(), PARTITIONS) == 2)


@pytest.mark.parametrize("partitions", [1, 3])
def test_it_is_written_with_what_came_of_the_batch_and_completed_after_that(partitions: int) -> None:
    async def scenario(made: Worker) -> None:
        del made.track._place
        right, wrong = made.record(0, HERE), replace(made.record(1, ELSEWHERE), headers=[("trace", b"\xff")])
        await made.take((EVENTS, 0, right))
        # With several partitions of the items topic, rows are written first.
        writes = 1 if partitions == 1 else 2
        for _ in range(writes):
            await made.kafka.acknowledge()
        message = await made.take((EVENTS, 1, wrong))
        for _ in range(writes - 1):
            await made.kafka.acknowledge()
        home = TP(EVENTS.topic, 2)
        assert made.kafka.writes[-1:] == [{home: [Row(wrong.key, wrong.value, None, wrong.headers)]}]
        found = made.committed(EVENTS)
        assert found is not None
        assert (found.offset, message.acked) == (1, False)
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        assert (found.offset, message.acked) == (2, True)
        assert made.track._engine.numbers.events == {("jira/acme", "applied"): 1, ("jira/acme", "rerouted"): 1}
        assert set(made.rows[0]) == {HERE.encode()}

    run(scenario, partitions)


def rerouted(**counts: int) -> Outcome:
    """Make the outcome of a batch with this many rerouted events by source, and other events that were applied."""
    found = {(source, "rerouted"): count for source, count in counts.items()}
    return Outcome(reroutes=[Reroute(None, 1)], counts=Counter({("jira", "applied"): 5, **found}))


def test_a_source_is_warned_of_once_a_minute_with_all_that_came_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    instants: list[float] = []
    rerouting = Rerouting(EngineNumbers().label, lambda: instants[-1])

    def told(at: float, outcome: Outcome) -> list[str]:
        instants.append(at)
        caplog.clear()
        rerouting.warn(outcome)
        return [record.getMessage().partition(" sent on")[0] for record in caplog.records]

    with caplog.at_level(logging.WARNING):
        assert told(0.0, Outcome(counts=Counter({("jira", "applied"): 5}))) == []
        assert told(1.0, rerouted(jira=2)) == ["source 'jira': 2 events were"]
        assert "partitioner=murmur2_random" in caplog.text
        assert told(0.9 + EVERY, rerouted(jira=3)) == []
        assert told(0.9 + EVERY, rerouted(github=1)) == ["source 'github': 1 event was"]
        assert told(1.0 + EVERY, rerouted(jira=4, github=1)) == ["source 'jira': 7 events were"]
