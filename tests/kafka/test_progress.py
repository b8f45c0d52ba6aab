"""The progress of a partition: nothing is left out, and nothing is completed before it is durable."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.kafka.progress import Progress


@dataclass
class World:
    """A partition at its broker, its client, a stream that may lose batches, and the progress that reports them.

    `records` are the offsets with a record; the others were compacted, or end a transaction.
    """

    end: int
    records: set[int]
    progress: Progress = field(default_factory=Progress)
    first: int = 0
    position: int = 0
    committed: int = 0
    sent: int = 0
    now: float = 0.0
    stream: deque[tuple[int, int, int]] = field(default_factory=deque)
    sending: list[tuple[int, str]] = field(default_factory=list)
    in_work: deque[int] = field(default_factory=deque)
    seen: set[int] = field(default_factory=set)
    durable: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.seek(0)

    def seek(self, offset: int) -> None:
        self.progress.seek(offset)
        self.position = offset

    def poll(self, count: int) -> None:
        begin = max(self.position, self.first)
        next_offset = min(begin + count, self.end)
        self.position = next_offset
        if begin == next_offset:
            return
        if self.progress.has_gap(begin, self.first):
            self.seek(self.progress.delivered or 0)
        else:
            self.stream.append((self.progress.deliver(next_offset), begin, next_offset))

    def crossing_poll(self, count: int) -> None:
        """Poll, and seek back before the batch is processed, as a cancelled poll would."""
        self.position = min(max(self.position, self.first) + count, self.end)

    def drop(self) -> None:
        self.stream.clear()

    def take(self) -> None:
        if not self.stream:
            return
        previous, begin, next_offset = self.stream.popleft()
        if not self.progress.follows(previous):
            if self.progress.may_read_again(self.now):
                self.seek(self.progress.reached)
            return
        self.seen |= {offset for offset in self.records if begin <= offset < next_offset}
        self.progress.process(next_offset)
        self.in_work.append(next_offset)

    def acknowledge(self) -> None:
        if self.in_work:
            next_offset = self.in_work.popleft()
            self.durable |= {offset for offset in self.seen if offset < next_offset}
            self.progress.complete(next_offset, f"up to {next_offset}")

    def send(self) -> None:
        """Send a commit to Kafka, which may answer it before or after earlier commits."""
        pending = self.progress.take_pending()
        if pending is not None:
            assert pending[0] >= self.sent, "an older offset was sent after a newer one"
            self.sent = pending[0]
            self.sending.append(pending)

    def land(self, which: int) -> None:
        """Let Kafka store one of the commits."""
        if self.sending:
            offset, _ = self.sending.pop(which % len(self.sending))
            self.committed = offset

    def give_up(self, which: int) -> None:
        """Let the client stop waiting for one of its commits, which Kafka may still store."""
        if self.sending:
            self.progress.give_back(self.sending[which % len(self.sending)])

    def fail(self) -> None:
        """Let Kafka refuse the newest commit."""
        if self.sending:
            self.progress.give_back(self.sending.pop())

    def look(self) -> None:
        self.progress.see_committed(self.committed)
        self.now += 0.5
        if self.stream:
            self.progress.note_work()
            return
        if self.progress.is_stuck(self.position):
            if self.first > self.progress.reached and not self.in_work:
                self.progress.complete(self.first, "gone")
            self.seek(self.progress.reached)

    def rebalance(self) -> None:
        """Lose the partition and get it again: records that were not committed come again."""
        self.stream.clear()
        self.in_work.clear()
        self.sending.clear()
        self.sent = self.committed
        self.progress = Progress()
        self.progress.begin(self.committed)
        self.position = self.committed
        self.seen = {offset for offset in self.durable if offset < self.committed}

    def expire(self, count: int) -> None:
        """Let retention remove the first records, read or not."""
        self.first = min(self.first + count, self.end)
        self.records = {offset for offset in self.records if offset >= self.first}

    def check(self) -> None:
        passed = {offset for offset in self.records if offset < self.progress.reached}
        assert passed <= self.seen, "a record was left out"
        completed = {offset for offset in self.records if offset < max(self.committed, self.progress.durable)}
        assert completed <= self.durable, "a record was completed before it was durable"


steps = st.one_of(
    st.tuples(st.just("poll"), st.integers(1, 6)),
    st.tuples(st.just("crossing"), st.integers(1, 6)),
    st.tuples(st.just("expire"), st.integers(1, 4)),
    st.tuples(
        st.sampled_from(["take", "take", "acknowledge", "drop", "send", "fail", "look", "rebalance"]), st.just(0)
    ),
    st.tuples(st.sampled_from(["land", "give_up"]), st.integers(0, 3)),
)


def play(world: World, step: str, count: int) -> None:
    match step:
        case "poll":
            world.poll(count)
        case "crossing":
            world.crossing_poll(count)
        case "expire":
            world.expire(count)
        case "land" | "give_up":
            getattr(world, step)(count)
        case _:
            getattr(world, step)()


@settings(max_examples=500)
@given(st.integers(0, 30), st.sets(st.integers(0, 29)), st.lists(steps, max_size=80))
def test_nothing_is_left_out_and_in_the_end_all_is_processed(
    end: int, records: set[int], plan: list[tuple[str, int]]
) -> None:
    world = World(end, {offset for offset in records if offset < end})
    for step, count in plan:
        play(world, step, count)
        world.check()
    for _ in range(200):
        for step in ("poll", "take", "take", "acknowledge", "look", "send", "land"):
            play(world, step, 100)
            world.check()
    assert world.progress.reached == world.committed == end
    assert world.records <= world.durable


def test_a_batch_that_does_not_follow_is_asked_for_once_a_second() -> None:
    progress = Progress()
    progress.begin(10)
    assert not progress.follows(20)
    assert [progress.may_read_again(at) for at in (5.0, 5.5, 6.0, 6.1, 6.2)] == [True, False, False, True, False]
    progress.process(11)
    assert progress.may_read_again(6.3)


def test_the_latest_completion_counts() -> None:
    progress = Progress()
    progress.complete(5, "five")
    failed = progress.take_pending()
    assert failed == (5, "five")
    progress.complete(7, "seven")
    progress.give_back(failed)
    assert progress.take_pending() == (7, "seven")
    assert progress.take_pending() is None
    # Kafka may have stored the second commit: the first must not follow it.
    progress.give_back(failed)
    assert progress.take_pending() is None
    # A batch that comes again takes nothing back.
    progress.complete(6, "six")
    assert progress.take_pending() == (7, "six")


def test_an_older_commit_that_came_last_is_replaced() -> None:
    progress = Progress()
    progress.complete(5, "five")
    progress.take_pending()
    progress.see_committed(5)
    assert progress.take_pending() is None
    progress.see_committed(3)
    assert progress.take_pending() == (5, "five")
    progress.complete(7, "seven")
    progress.see_committed(3)
    assert progress.take_pending() == (7, "seven")
