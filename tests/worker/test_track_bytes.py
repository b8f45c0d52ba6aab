"""The bytes that `track` holds are bounded, and a batch that was refused as a whole is kept and counted."""

from __future__ import annotations

from collections.abc import Sequence

from stream.events.rejection import Reason
from stream.kafka.batches import RefusedBatch
from stream.kafka.outbox import Row
from stream.kafka.places import TP
from stream.kafka.read_results import Polled
from stream.worker.track import MAX_UNDER_WAY
from stream.worker.tracked import BYTES_AN_EVENT, FAR, MAX_GATHERED
from tests.worker.fakes import FakeDelivery
from tests.worker.test_track import EVENTS, Worker, run, settled

LETTERS = TP("flow.dead-letters", 0)


async def take(made: Worker, polled: Polled) -> None:
    await made.track.batch(FakeDelivery(), EVENTS, polled)
    await settled()


def test_what_was_gathered_is_written_when_it_is_large() -> None:
    async def scenario(made: Worker) -> None:
        made.track._engine.tracked[0].end = 2 * FAR
        half = MAX_GATHERED * BYTES_AN_EVENT // 2
        await take(made, Polled(0, [made.record(0, "A")], size=half - 1_000))
        assert made.kafka.writes == []
        await take(made, Polled(1, [made.record(1, "A")], size=half + 1_000))
        assert len(made.kafka.writes) == 1

    run(scenario)


def test_what_is_large_and_not_durable_holds_up_more() -> None:
    async def scenario(made: Worker) -> None:
        await take(made, Polled(0, [made.record(0, "A")], size=MAX_UNDER_WAY * BYTES_AN_EVENT))
        assert made.track._under_way == MAX_UNDER_WAY
        await made.kafka.acknowledge()
        assert made.track._under_way == 0

    run(scenario)


def test_a_refused_batch_is_one_letter_and_each_of_its_records_is_rejected() -> None:
    async def scenario(made: Worker) -> None:
        headers = [("flow_batch_codec", b"zstd"), ("flow_batch_records", b"3"), ("flow_batch_last_offset", b"3")]
        refused = RefusedBatch(1, 3, 1_000, b"raw", headers, Reason.TOO_LARGE, "too much")
        await take(made, Polled(0, [made.record(0, "A")], 4, 100, refused))
        await made.kafka.acknowledge()
        numbers = made.track._engine.numbers
        assert numbers.events == {("jira/acme", "applied"): 1, ("", "rejected"): 3}
        assert numbers.dead_letters["too_large"] == 3
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 4
        letters: Sequence[Row] = made.kafka.writes[0][LETTERS]
        assert [(letter.key, letter.value) for letter in letters] == [(None, b"raw")]
        told = dict(letters[0].headers)
        assert {name: told[name] for name, _ in headers} == dict(headers)
        assert (told["flow_reason"], told["flow_detail"], told["flow_offset"]) == (b"too_large", b"too much", b"1")

    run(scenario)


def test_offsets_without_records_are_completed() -> None:
    async def scenario(made: Worker) -> None:
        await take(made, Polled(0, [], 7))
        await made.kafka.acknowledge()
        found = made.committed(EVENTS)
        assert found is not None
        assert found.offset == 7

    run(scenario)
