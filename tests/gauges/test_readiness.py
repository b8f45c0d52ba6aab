"""When the numbers are true: the way of a worker from its start to readiness, through rebalances."""

from __future__ import annotations

from stream.agents.readiness import REASONS, Readiness
from stream.kafka.offsets import Committed

NAME = "derived"
ENDS = {0: 10, 1: 5}
FOLDED = {0: Committed(10, NAME), 1: Committed(5, NAME)}


def assigned(measured: set[int] | None = None) -> Readiness:
    readiness = Readiness(NAME)
    readiness.assign({0, 1} if measured is None else measured, ENDS)
    return readiness


def reasons(readiness: Readiness, committed: dict[int, Committed], **positions: int) -> list[str]:
    at = {int(partition[1:]): position for partition, position in positions.items()}
    found = readiness.reasons(committed, at)
    assert {reason for reason, _ in found} <= set(REASONS)
    return [f"{reason}: {detail}" for reason, detail in found]


def test_before_partitions_are_assigned_it_is_starting() -> None:
    assert reasons(Readiness(NAME), FOLDED) == ["starting: no partitions are assigned yet"]


def test_the_way_to_readiness() -> None:
    readiness = assigned()
    assert reasons(readiness, {}) == ["recovering: tables are being read from their changelog"]
    readiness.recovering = False
    assert reasons(readiness, {0: Committed(4, NAME)}) == [
        "backlog: 11 events are still to be folded",
        "deriving: partitions [1] are not folded with this configuration yet",
    ]
    foreign = {0: Committed(10, "before"), 1: Committed(5, NAME)}
    assert reasons(readiness, foreign) == ["deriving: partitions [0] are not folded with this configuration yet"]
    assert not readiness.caught_up
    assert reasons(readiness, FOLDED) == ["reading_items: partition 0 waits for its events"]
    assert readiness.caught_up
    readiness.awaited[0].items, readiness.awaited[1].items = 1_200, 3
    assert reasons(readiness, FOLDED, p1=3) == [
        "reading_items: 1,200 summaries of partition 0 are still to be read",
        "reading_items: 0 summaries of partition 1 are still to be read",
    ]
    readiness.settle({0: 1_199, 1: 3})
    assert readiness.ready == {1}
    readiness.settle({0: 1_200, 1: 3})
    assert (readiness.ready, readiness.awaited) == ({0, 1}, {})
    assert reasons(readiness, FOLDED) == []


def test_settling_waits_for_the_ends_of_the_summaries() -> None:
    readiness = assigned()
    readiness.settle({0: 1_000, 1: 1_000})
    assert readiness.ready == set()
    readiness.awaited[0].items = 0
    readiness.settle({})
    assert readiness.ready == {0}


def test_events_that_come_later_do_not_make_it_unready_again() -> None:
    readiness = assigned()
    readiness.recovering = False
    reasons(readiness, FOLDED)
    for awaited in readiness.awaited.values():
        awaited.items = 0
    readiness.settle({})
    readiness.recovering = True
    assert reasons(readiness, {0: Committed(0, "another")}) == []


def test_folded_is_all_partitions_with_this_derivation() -> None:
    readiness = assigned()
    assert readiness.folded(ENDS, FOLDED)
    assert readiness.folded({0: 10}, {0: Committed(12, NAME)})
    assert not readiness.folded(ENDS, {0: Committed(10, NAME)})
    assert not readiness.folded({0: 0}, {})
    assert not readiness.folded(ENDS, FOLDED | {1: Committed(4, NAME)})
    assert not readiness.folded(ENDS, FOLDED | {1: Committed(5, "before")})


def test_what_moves_away_is_not_ready_and_has_to_be_read_again_when_it_comes_back() -> None:
    readiness = assigned()
    readiness.awaited[0].items = readiness.awaited[1].items = 0
    readiness.settle({})
    readiness.assign({0}, {0: 20})
    assert (readiness.ready, readiness.awaited) == ({0}, {})
    readiness.assign({0, 1}, {0: 30, 1: 9})
    assert readiness.ready == {0}
    assert readiness.awaited[1].events == {0: 30, 1: 9}
    assert readiness.backlog == ENDS


def test_a_partition_that_stays_keeps_what_it_waits_for() -> None:
    readiness = assigned()
    readiness.awaited[1].items = 7
    readiness.assign({1}, {0: 99, 1: 99})
    assert set(readiness.awaited) == {1}
    assert (readiness.awaited[1].events, readiness.awaited[1].items) == (ENDS, 7)
