"""When numbers are true: what a worker may show, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.kafka.offsets import Committed
from stream.worker.readiness import LEASE, REASONS, UNANSWERED, Look, Readiness, Shown

NAME = "derived"
ENDS = {0: 10, 1: 5}
ITEMS = {0: 1_200, 1: 3}
FOLDED = {0: Committed(10, NAME), 1: Committed(5, NAME)}


def look(
    at: float = 0.0,
    committed: Mapping[int, Committed] = FOLDED,
    events: Mapping[int, int] = ENDS,
    items: Mapping[int, int] = ITEMS,
    *,
    listed: bool = True,
) -> Look:
    return Look(at, listed, committed, events, items)


def assigned(*partitions: int) -> Readiness:
    readiness = Readiness(NAME)
    readiness.assign([Shown(partition) for partition in partitions or (0, 1)])
    readiness.recovering = False
    return readiness


def reasons(readiness: Readiness, now: float = 0.0, **counted: int) -> list[str]:
    found = readiness.reasons(now, {int(partition[1:]): offset for partition, offset in counted.items()})
    assert {reason for reason, _ in found} <= set(REASONS)
    return [f"{reason}: {detail}" for reason, detail in found]


def test_before_partitions_are_assigned_it_is_starting() -> None:
    assert reasons(Readiness(NAME)) == ["starting: no partitions are assigned yet"]


def test_the_way_to_readiness() -> None:
    readiness = assigned()
    readiness.recovering = True
    assert reasons(readiness) == ["recovering: tables are being read from their changelog"]
    readiness.recovering = False
    assert reasons(readiness) == ["cut_off: Kafka has not answered: what is true by now is not known"]
    readiness.see(look(0, {0: Committed(4, NAME)}))
    assert reasons(readiness) == [
        "backlog: 11 events are still to be folded",
        "deriving: partitions [1] are not folded with this configuration yet",
    ]
    readiness.see(look(1, {0: Committed(10, "before"), 1: Committed(5, NAME)}))
    assert reasons(readiness, 1) == ["deriving: partitions [0] are not folded with this configuration yet"]
    assert readiness.end(0) is None
    readiness.see(look(2))
    assert (readiness.end(0), readiness.end(1)) == (1_200, 3)
    assert reasons(readiness, 2, p1=3) == [
        "reading_items: 1,200 summaries of partition 0 are still to be read",
        "reading_items: 0 summaries of partition 1 are still to be read",
    ]
    readiness.count({0: 1_199, 1: 3})
    assert readiness.ready(2) == {1}
    readiness.count({0: 1_200, 1: 3})
    assert readiness.ready(2) == {0, 1}
    assert reasons(readiness, 2) == []


def test_without_an_answer_the_numbers_go_after_the_lease_and_come_back_with_it() -> None:
    readiness = assigned()
    readiness.see(look(100))
    readiness.count(ITEMS)
    assert readiness.until(100) == 100 + LEASE
    assert readiness.ready(100 + LEASE) == {0, 1}
    assert readiness.ready(101 + LEASE) == set()
    assert reasons(readiness, 101 + LEASE) == [
        "cut_off: Kafka has not answered for 31 seconds: what is true by now is not known"
    ]
    readiness.see(look(140))
    assert readiness.ready(140) == set()
    assert [each.partition(":")[0] for each in reasons(readiness, 140, p0=1_200, p1=3)] == ["reading_items"] * 2
    readiness.count(ITEMS)
    assert readiness.ready(140) == {0, 1}
    assert reasons(readiness, 140) == []


def test_a_worker_that_its_group_does_not_list_shows_nothing_for_longer_than_the_lease() -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.count(ITEMS)
    for second in range(1, 40):
        readiness.see(look(second, listed=False))
        readiness.count(ITEMS)
    assert readiness.ready(LEASE) == {0, 1}
    assert readiness.ready(LEASE + 1) == set()
    assert reasons(readiness, 39, p0=1_200, p1=3)[0].startswith("cut_off: the group does not list this worker")


def test_events_that_wait_for_longer_than_the_lease_withdraw_the_numbers() -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.count(ITEMS)
    for second in range(1, 60):
        readiness.see(look(second, FOLDED, {0: 11, 1: 5}))
        readiness.count(ITEMS)
    assert readiness.ready(59) == set()
    assert reasons(readiness, 59) == ["backlog: 1 events are still to be folded"]
    readiness.see(look(60, FOLDED | {0: Committed(11, NAME)}, {0: 11, 1: 5}))
    readiness.count(ITEMS)
    assert readiness.ready(60) == {0, 1}


def test_another_configuration_at_work_withdraws_all_at_once() -> None:
    readiness = assigned()
    assert readiness.see(look(0))
    readiness.count(ITEMS)
    assert not readiness.see(look(1, FOLDED | {1: Committed(5, "another")}))
    assert readiness.ready(1) == set()
    assert readiness.see(look(2))
    assert readiness.ready(2) == set()
    readiness.count(ITEMS)
    assert readiness.ready(2) == {0, 1}


def test_a_worker_without_partitions_of_summaries_has_a_lease_too() -> None:
    readiness = Readiness(NAME)
    readiness.assign([])
    readiness.recovering = False
    readiness.see(look(0))
    assert (reasons(readiness, 0), readiness.until(0)) == ([], LEASE)
    assert reasons(readiness, LEASE + 1)[0].startswith("cut_off")
    readiness.see(look(LEASE + 1, {0: Committed(9, NAME), 1: Committed(5, NAME)}))
    assert reasons(readiness, LEASE + 1) == ["backlog: 1 events are still to be folded"]
    readiness.see(look(LEASE + 2))
    assert reasons(readiness, LEASE + 2) == []


def test_a_worker_whose_partitions_are_gone_is_ready_only_after_another_look() -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.count(ITEMS)
    readiness.assign([])
    assert reasons(readiness, 0) == ["reading_items: the events of a moment ago are on their way"]
    readiness.see(look(1))
    assert reasons(readiness, 1) == []


def test_what_moves_away_is_not_ready_and_has_to_be_read_again_when_it_comes_back() -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.count(ITEMS)
    (stays,) = (each for each in readiness._assigned or () if each.partition == 0)
    readiness.assign([stays])
    assert readiness.ready(0) == {0}
    readiness.assign([stays, Shown(1)])
    assert readiness.ready(0) == {0}
    readiness.count({0: 1_200, 1: 2})
    assert readiness.ready(0) == {0}
    readiness.count(ITEMS)
    assert readiness.ready(0) == {0, 1}


def test_changed_topics_withdraw_all() -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.count(ITEMS)
    readiness.topics_changed = "topic 'flow.items' was deleted"
    assert readiness.ready(0) == set()
    assert reasons(readiness) == ["topics_changed: topic 'flow.items' was deleted"]
    readiness.topics_changed = ""
    assert readiness.ready(0) == {0, 1}


def test_an_event_that_was_sent_on_is_waited_for_where_it_went() -> None:
    readiness = assigned()
    readiness.see(look(0, {0: Committed(9, NAME), 1: Committed(5, NAME)}))
    # The last event of partition 0 was rerouted, and is the sixth of partition 1.
    readiness.see(look(1, FOLDED, {0: 10, 1: 6}))
    readiness.count(ITEMS)
    assert readiness.ready(1) == set()
    readiness.see(look(2, FOLDED | {1: Committed(6, NAME)}, {0: 10, 1: 7}))
    readiness.count(ITEMS)
    assert readiness.ready(2) == {0, 1}
    assert readiness.until(2) == LEASE


def test_an_event_that_has_come_due_is_waited_for() -> None:
    def ahead(at: float, now: int, due: int | None) -> Look:
        return look(at, FOLDED | {1: Committed(5, NAME, due=due)})._replace(now=now)

    readiness = assigned()
    readiness.see(ahead(0, 99, 100))
    readiness.count(ITEMS)
    assert readiness.ready(0) == {0, 1}
    # Its worker has died, and nobody folds it.
    for second in range(1, 40):
        readiness.see(ahead(second, 100, 100))
        readiness.count(ITEMS)
    assert readiness.ready(LEASE) == {0, 1}
    assert readiness.ready(39) == set()
    assert reasons(readiness, 39, p0=1_200, p1=3) == [
        "backlog: partitions [1] have events that have come due and are still to be folded"
    ]
    readiness.see(ahead(40, 140, None))
    readiness.count(ITEMS)
    assert readiness.ready(40) == {0, 1}


def test_a_look_long_ago_is_no_answer() -> None:
    readiness = assigned()
    readiness.see(look(0, {0: Committed(4, NAME), 1: Committed(5, NAME)}))
    assert reasons(readiness, UNANSWERED)[0].startswith("backlog")
    assert reasons(readiness, UNANSWERED + 1)[0].startswith("cut_off")


@dataclass
class Model:
    """A group at work: events arrive in two partitions, some in the wrong one, and are folded, rerouted and counted."""

    now: float = 0.0
    events: list[list[tuple[float, bool]]] = field(default_factory=lambda: [[], []])
    folded: list[int] = field(default_factory=lambda: [0, 0])
    items: list[float] = field(default_factory=list)
    counted: int = 0
    pending: tuple[float, dict[int, Committed]] | None = None

    def come(self, partition: int, *, wrong: bool) -> None:
        self.events[partition].append((self.now, wrong))

    def fold(self, partition: int) -> None:
        if self.folded[partition] < len(self.events[partition]):
            came, wrong = self.events[partition][self.folded[partition]]
            if wrong:
                self.events[1 - partition].append((came, False))
            else:
                self.items.append(came)
            self.folded[partition] += 1

    def ask(self) -> None:
        self.pending = self.now, {part: Committed(offset, NAME) for part, offset in enumerate(self.folded)}

    def answer(self, readiness: Readiness) -> None:
        if self.pending is not None:
            (at, committed), self.pending = self.pending, None
            ends = dict(enumerate(map(len, self.events)))
            readiness.see(Look(at, listed=True, committed=committed, events=ends, items={0: len(self.items)}))

    @property
    def waiting(self) -> list[float]:
        """Return the arrival times of events that are not counted yet."""
        unfolded = [came for part in (0, 1) for came, _ in self.events[part][self.folded[part] :]]
        return unfolded + self.items[self.counted :]


STEPS = ("come0", "wrong0", "wrong1", "fold0", "fold1", "count", "look", "ask", "answer", "second", "long")


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_what_is_shown_has_every_event_of_thirty_seconds_ago(steps: list[str]) -> None:
    model, readiness = Model(), Readiness(NAME)
    readiness.assign([Shown(0)])
    for step in steps:
        match step:
            case "count":
                model.counted = len(model.items)
                readiness.count({0: model.counted})
            case "ask":
                model.ask()
            case "answer":
                model.answer(readiness)
            case "look":
                model.ask()
                model.answer(readiness)
            case "second" | "long":
                model.now += 1 if step == "second" else LEASE + 1
            case _ if step.startswith("fold"):
                model.fold(int(step[-1]))
            case _:
                model.come(int(step[-1]), wrong=step.startswith("wrong"))
        if readiness.ready(model.now):
            assert all(came >= model.now - LEASE for came in model.waiting)
            assert model.now <= readiness.until(model.now)


@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_when_all_is_folded_and_counted_one_look_is_enough(steps: list[str]) -> None:
    model, readiness = Model(), Readiness(NAME)
    readiness.assign([Shown(0)])
    for step in steps:
        if step.startswith(("come", "wrong")):
            model.come(int(step[-1]), wrong=step.startswith("wrong"))
    while any(model.folded[part] < len(model.events[part]) for part in (0, 1)):
        model.fold(0)
        model.fold(1)
    model.ask()
    model.answer(readiness)
    readiness.count({0: len(model.items)})
    assert readiness.ready(model.now) == {0}


@pytest.mark.parametrize("assigned_before", [False, True])
def test_a_long_silence_is_named_whatever_waits_for_its_end(*, assigned_before: bool) -> None:
    readiness = Readiness(NAME)
    readiness.see(look(10))
    if assigned_before:
        readiness.assign([Shown(0), Shown(1)])
    assert reasons(readiness, 40)[0].split(":")[0] in {"starting", "recovering"}
    assert reasons(readiness, 41) == [
        "cut_off: Kafka has not answered for 31 seconds: what is true by now is not known"
    ]


@pytest.mark.parametrize("topic", ["events", "items"])
def test_a_topic_that_ends_earlier_than_before_makes_nothing_true(topic: str) -> None:
    readiness = assigned()
    readiness.see(look(0))
    readiness.see(look(1, **{topic: {0: 1, 1: 0}}))
    readiness.see(look(2))
    readiness.count({0: 10_000, 1: 10_000})
    assert readiness.ready(2) == frozenset()
    assert reasons(readiness, 2)[0].startswith("topics_changed: a topic ends earlier than before")
