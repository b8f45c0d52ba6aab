"""A worker refuses rows outside the partitions of their keys, and checks only where no worker has checked before."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stream.errors import KafkaError
from stream.events.partition import EventsPartition, partition_of
from stream.items.tracker import OBJECTIVE
from stream.kafka.offsets import Committed
from stream.worker.placing import check_placed, check_rows
from tests.worker.test_track import Worker, run

OBJECTIVE_KEY = OBJECTIVE.encode()


def keys(count: int, *, home: int) -> list[bytes]:
    """Return keys that belong to one partition of four."""
    return [key for key in (b"%d" % number for number in range(9 * count)) if partition_of(key, 4) == home][:count]


@pytest.mark.parametrize("placed", [{}, {0: 4, 1: 4}, {0: None, 3: 4}])
def test_what_was_placed_for_as_many_partitions_is_taken(placed: dict[int, int | None]) -> None:
    check_placed("flow.events", placed, 4)


def test_what_was_placed_for_another_number_is_refused_with_the_command() -> None:
    expected = "topic 'flow.events': the items of partition 2 were placed for 4 partitions, but there are 8"
    with pytest.raises(KafkaError, match=f"{expected}.*: flowgauge topics repartition --to 8$"):
        check_placed("flow.events", {1: None, 2: 4, 5: 8}, 8)


def test_a_repartition_that_was_cut_short_is_refused_with_the_command() -> None:
    with pytest.raises(KafkaError, match=r"'flow\.events' was cut short.*: flowgauge topics repartition$"):
        check_placed("flow.events", {0: 0, 1: 0}, 4)


def test_rows_of_items_and_objectives_where_they_belong_are_taken() -> None:
    here = keys(3_000, home=1)
    asyncio.run(check_rows("flow.histories", [*here, OBJECTIVE_KEY + here[0]], EventsPartition(1, 4)))


@pytest.mark.parametrize("prefix", [b"", OBJECTIVE_KEY])
def test_a_row_that_belongs_elsewhere_is_refused_with_its_key(prefix: bytes) -> None:
    wrong = keys(2, home=3)
    name = wrong[0].decode()
    for some, more in ((wrong[:1], r"\."), (wrong, r", and 1 more to others\.")):
        rows = [*keys(5, home=1), *(prefix + key for key in some)]
        told = rf"'flow.histories', partition 1: item '{name}' belongs to partition 3 of 4{more} .*topics repartition$"
        with pytest.raises(KafkaError, match=told):
            asyncio.run(check_rows("flow.histories", rows, EventsPartition(1, 4)))


@pytest.mark.parametrize(
    ("placed", "row_of", "refused"),
    [(None, 0, ""), (None, 2, "belongs to partition 2 of 4"), (4, 2, ""), (8, 0, "placed for 8"), (0, 0, "cut short")],
    ids=["looked at and right", "looked at and wrong", "not looked at again", "another number", "unfinished"],
)
def test_a_worker_that_is_given_partitions_looks(placed: int | None, row_of: int, refused: str) -> None:
    async def scenario(made: Worker) -> None:
        engine: Any = made.track._engine
        key = keys(1, home=row_of)[0]
        known = Committed(0, engine.derivation.name, 2**62, {}, 0, placed)
        engine.offsets = SimpleNamespace(committed=_giving({0: known}), beginnings=_giving({0: 0}))
        made.rows[0] = {key: b"never read"}
        if refused:
            with pytest.raises(KafkaError, match=refused):
                await made.track.recovered({0})
            return
        made.track._engine.tracked[0].newer_than = lambda _: []  # type: ignore[method-assign]
        await made.track.recovered({0})
        [found] = [progress.pending for progress in made.consumer.progress.values()]
        assert found is not None
        assert '"p":4' in found[1]

    run(scenario)


def _giving(value: Any) -> Any:
    async def give(*_: Any) -> Any:
        return value

    return give
