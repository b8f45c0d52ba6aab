"""When the numbers are true, and for how long.

A worker shows numbers only while it knows that they are true. Twice a second it asks Kafka for a `Look`. The events
that are in the topic at that moment are then on their way to the boards. They have arrived when

1. the group lists this worker, so no other worker has its partitions,
2. those events are folded with this configuration, by any worker: the committed offsets say so, and that no event
   that was in the future has come due since,
3. the events that were there after that are folded too, since `track` may have sent an event on to another partition,
4. the summaries that were in a partition of `flow.items` after that are on its boards.

The numbers of a partition are shown while a look of the last 30 seconds (`LEASE`) has arrived. So they are gone if
Kafka does not answer, if the group has removed this worker, or if events wait for longer. `/ready` says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from stream.kafka.offsets import Committed

LEASE = 30.0
"""Seconds for which a number may be shown after the moment at which it was true."""
UNANSWERED = 5.0
"""Seconds without an answer after which `/ready` gives that as the reason."""
CUT = "a topic ends earlier than before: it is another one, or has lost records. Start the worker again"
# Listed in docs/troubleshooting.md and docs/runbooks/FlowEngineNotReady.md too.
REASONS = (
    "starting",
    "recovering",
    "backlog",
    "deriving",
    "reading_items",
    "cut_off",
    "topics_changed",
    "stopping",
)


class Look(NamedTuple):
    """Kafka's answers: whether the group lists this worker, the committed offsets, and the ends of the topics.

    `at` is when they were asked for, in seconds of uptime. The ends were asked for last. `now` is the worker's clock
    then, in microseconds.
    """

    at: float
    listed: bool
    committed: Mapping[int, Committed]
    events: Mapping[int, int]
    items: Mapping[int, int]
    now: int = 0


@dataclass
class Shown:
    """A partition of `flow.items` of this worker, and the newest moment whose events are all on its boards."""

    partition: int
    true_at: float = -inf


@dataclass
class _Arrival:
    """The events of one look: they wait until `events` are folded, then until `items` are counted."""

    at: float
    events: Mapping[int, int]
    sent_on: bool = False
    items: Mapping[int, int] | None = None


class Readiness:
    """Knows whether the numbers of a worker are true. `derivation` is the name of its configuration and clock.

    Instants are seconds of uptime. `topics_changed` says what is wrong with the topics; it is empty if nothing is.
    """

    def __init__(self, derivation: str) -> None:
        self._derivation = derivation
        self._look: Look | None = None
        self._under_way: list[_Arrival] = []
        self._folded_at = -inf
        self._assigned: list[Shown] | None = None
        # A topic that ends earlier than before is another one, or has lost records. Nothing is known of it then.
        self._cut = ""
        self.recovering = True
        self.topics_changed = ""

    def assign(self, partitions: Sequence[Shown]) -> None:
        """Note which partitions of `flow.items` this worker has now."""
        self._assigned = list(partitions)
        if not partitions:
            # Other workers have them all, or the topic is gone. The next look says which.
            self._folded_at = -inf
            self._under_way.clear()

    def see(self, look: Look) -> bool:
        """Note a look. Return False if a partition is not folded with this configuration.

        In that case no number is true until everything is folded with it.
        """
        before, self._look = self._look, look
        if before is not None and _ends_earlier(look, before):
            self._cut = CUT
        if self._foreign(look):
            self._under_way.clear()
            for shown in self._assigned or ():
                shown.true_at = -inf
            self._folded_at = -inf
            return False
        if self._cut:
            return True
        if look.listed:
            self._under_way.append(_Arrival(look.at, look.events))
        for arrival in self._under_way:
            self._follow(arrival, look)
        self._under_way = [each for each in self._under_way if each.at >= look.at - LEASE]
        return True

    def _follow(self, arrival: _Arrival, look: Look) -> None:
        if arrival.items is not None or _unfolded(arrival.events, look) or _due(look):
            return
        if not arrival.sent_on:
            arrival.sent_on, arrival.events = True, look.events
        if not _unfolded(arrival.events, look):
            arrival.items = look.items
            self._folded_at = max(self._folded_at, arrival.at)

    def count(self, counted: Mapping[int, int]) -> None:
        """Note the offset up to which the summaries of each partition are on the boards."""
        for arrival in self._under_way:
            for shown in self._assigned or ():
                end = inf if arrival.items is None else arrival.items.get(shown.partition, inf)
                if counted.get(shown.partition, -1) >= end:
                    shown.true_at = max(arrival.at, shown.true_at)

    def end(self, partition: int) -> int | None:
        """Give the offset up to which a partition must be read before it is shown; None while that is not known."""
        return next((each.items[partition] for each in self._under_way if each.items is not None), None)

    def ready(self, now: float) -> frozenset[int]:
        """Give the partitions whose numbers are true."""
        return frozenset(each.partition for each in self._true(now))

    def _true(self, now: float) -> list[Shown]:
        if self.topics_changed or self._cut or now - self._folded_at > LEASE:
            return []
        return [each for each in self._assigned or () if now - each.true_at <= LEASE]

    def until(self, now: float) -> float:
        """Give the instant until which the present numbers may be shown. Each answer of Kafka moves it."""
        return LEASE + min([self._folded_at, *(each.true_at for each in self._true(now))])

    @property
    def look(self) -> Look | None:
        """The newest look."""
        return self._look

    def reasons(self, now: float, reached: Mapping[int, int]) -> list[tuple[str, str]]:
        """Say why numbers are not shown, from the closed list `REASONS`; nothing if all are shown."""
        if self.topics_changed or self._cut:
            return [("topics_changed", self.topics_changed or self._cut)]
        if self._look is not None and now - self._look.at > LEASE:
            return list(self._waiting(now, set(), reached))
        if self._assigned is None:
            return [("starting", "no partitions are assigned yet")]
        missing = {shown.partition for shown in self._assigned} - self.ready(now)
        if not missing and now - self._folded_at <= LEASE:
            return []
        if self.recovering:
            return [("recovering", "tables are being read from their changelog")]
        return list(self._waiting(now, missing, reached))

    def _waiting(self, now: float, missing: set[int], reached: Mapping[int, int]) -> Iterator[tuple[str, str]]:
        look = self._look
        if look is None or now - look.at > UNANSWERED:
            silence = "" if look is None else f" for {now - look.at:.0f} seconds"
            yield "cut_off", f"Kafka has not answered{silence}: what is true by now is not known"
            return
        if not look.listed:
            yield "cut_off", "the group does not list this worker, so that others may have its partitions"
        behind, foreign = _unfolded(look.events, look), self._foreign(look)
        if behind:
            yield "backlog", f"{behind:,} events are still to be folded"
        if due := _due(look):
            yield "backlog", f"partitions {due} have events that have come due and are still to be folded"
        if foreign:
            yield "deriving", f"partitions {foreign} are not folded with this configuration yet"
        if not behind and not due and not foreign:
            for partition in sorted(missing):
                left = max(0, look.items.get(partition, 0) - reached.get(partition, 0))
                yield "reading_items", f"{left:,} summaries of partition {partition} are still to be read"
            if not missing:
                yield "reading_items", "the events of a moment ago are on their way"

    def _foreign(self, look: Look) -> list[int]:
        known = look.committed
        return [
            partition
            for partition in look.events
            if partition not in known or known[partition].derivation != self._derivation
        ]


def _ends_earlier(look: Look, before: Look) -> bool:
    """Return whether any partition ends earlier than at the look before, which is impossible for the same topic."""
    pairs = ((look.events, before.events), (look.items, before.items))
    return any(ends.get(partition, end) < end for ends, earlier in pairs for partition, end in earlier.items())


def _due(look: Look) -> list[int]:
    """Give the partitions with an event that was in the future, has come due, and is not folded."""
    known = look.committed.items()
    return sorted(number for number, one in known if one.due is not None and one.due <= look.now)


def _unfolded(ends: Mapping[int, int], look: Look) -> int:
    """Count the events before `ends` that were not committed at a look."""
    known = look.committed
    return sum(max(0, end - (known[partition].offset if partition in known else 0)) for partition, end in ends.items())
