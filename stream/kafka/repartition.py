"""Moves the events, the histories and the group's offsets to another number of partitions, or puts items right.

A topic that is moved is copied to another one, each record to the partition of its key, then deleted, made again, and
copied back. A journal says how far that is, so that whatever cuts it short, the next run goes on:

- until `copied` is noted the topic is as it was, and the copy is made again from nothing;
- after that the copy has all, so that the topic may be deleted, and filled again from where it differs;
- with `returned` it is done, and the copy is deleted.

Partitions of the events are added in place: an event that is then in the wrong one is sent on when it is read. Only
fewer partitions need a new topic. In it stands first what was folded already, then what is unread, so that the group's
new offsets can say so. Producers are kept out meanwhile by a limit of the topic that no event is below.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from stream.errors import KafkaError
from stream.kafka.admin import kafka_admin
from stream.kafka.copying import Copier
from stream.kafka.journal import Move, State
from stream.kafka.manage import LOOK_EVERY, CommittedOffset, Topics, commit, committed, members, running
from stream.kafka.offsets import write_metadata
from stream.kafka.prepare import Prepared
from stream.kafka.reading import OffsetRange
from stream.kafka.topics import MOVING
from stream.settings import Settings

# Bytes: below any event, above what ends a transaction.
SHUT = 100
# Seconds until each broker knows that a topic is shut, and until an open transaction has ended.
SHUT_AFTER = 1.0
TRANSACTION = 90.0
AGAIN = "Run it again: flowgauge topics repartition"
"""What to do after whatever cuts a repartition short."""
_KEPT_OUT = {"max.message.bytes": str(SHUT), "retention.ms": "-1", "retention.bytes": "-1"}

Show = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and how much there is."""


class Repartition:
    """Takes a repartition from its state to its end; `show` is told of the progress."""

    def __init__(self, settings: Settings, prepared: Prepared, show: Show) -> None:
        self._settings = settings
        self._brokers = settings.brokers
        self._journal = prepared.journal
        self._state = prepared.state
        self._resumed = prepared.resumed
        self._show = show
        self._doing, self._done, self._total = "", 0, 0

    def run(self) -> State:
        """Do what is left to do. Raises KafkaError; what was done until then is kept, and no worker starts."""
        with kafka_admin(self._settings) as admin:
            self._topics = Topics(admin)
            self._begin()
            self._move_histories()
            self._move_events()
            self._commit()
            for move in (self._state.histories, self._state.events):
                self._discard(move)
            self._journal.end(self._topics)
        return self._state

    def _begin(self) -> None:
        if self._resumed:
            self._hold()
            return
        self._journal.begin(self._topics, self._state.events.replicas)
        try:
            self._journal.note(self._state)
            self._hold()
        except KafkaError:
            # Nothing was changed yet, so that workers may go on.
            with suppress(KafkaError):
                self._journal.end(self._topics)
            raise

    def _hold(self) -> None:
        """Commit that a repartition is under way, which Kafka refuses while a worker is there."""
        if members(self._settings):
            raise KafkaError(running(self._settings))
        events = self._topics.find(self._state.events.name)
        if events is not None:
            # Should all else be lost, what is committed says that everything is to be read again.
            place = CommittedOffset(0, write_metadata("", 0, self._state.newest, 0))
            commit(self._settings, events.name, dict.fromkeys(range(events.partitions), place))

    def _move_histories(self) -> None:
        move = self._state.histories
        if move.needed and not move.returned:
            if not move.copied:
                self._begin_copy(move)
                self._copy(self._copy_histories)
                self._note_copied(move)
            self._delete_original(move)
            self._return(move)

    def _move_events(self) -> None:
        move, to = self._state.events, self._state.to
        if to > move.partitions:
            found = self._topics.find(move.name)
            if found is not None and found.partitions < to:
                self._topics.add_partitions(move.name, to)
        elif move.needed and not move.returned:
            original = self._original(move)
            if original:
                self._topics.configure(move.name, _KEPT_OUT)
            if not move.copied:
                self._begin_copy(move)
                self._copy(self._copy_events)
                self._note_copied(move)
            if original:
                time.sleep(SHUT_AFTER)
                self._copy_what_came_late(move)
            self._delete_original(move)
            self._return(move)

    def _begin_copy(self, move: Move) -> None:
        self._discard(move)
        self._topics.create(move.name + MOVING, self._state.to, move.replicas, move.while_moving)

    async def _copy_histories(self, copier: Copier) -> None:
        move, state = self._state.histories, self._state
        spans = await copier.reader.spans(move.name, range(move.partitions))
        self._doing_next(f"copying {move.name}", sum(span.end - span.first for span in spans))
        done = await copier.histories(move.name, spans, move.name + MOVING, state.to)
        move.counts, state.merged, state.left_out = dict(done.counts), done.merged, dict(done.left_out)
        await self._verify(copier, move)

    async def _copy_events(self, copier: Copier) -> None:
        move, to = self._state.events, self._state.to
        spans = await copier.reader.spans(move.name, range(move.partitions))
        self._doing_next(f"copying {move.name}", sum(span.end - span.first for span in spans))
        known = self._state.offsets
        middle = {span.partition: min(max(span.first, known.get(span.partition, 0)), span.end) for span in spans}
        folded = [OffsetRange(number, first, middle[number]) for number, first, _ in spans]
        unread = [OffsetRange(number, middle[number], end) for number, _, end in spans]
        move.folded = dict(await copier.by_key(move.name, folded, move.name + MOVING, to))
        await self._copy_more(copier, move, unread)
        await self._verify(copier, move)

    async def _copy_more(self, copier: Copier, move: Move, spans: list[OffsetRange]) -> None:
        counts = await copier.by_key(move.name, spans, move.name + MOVING, self._state.to)
        move.counts = dict(counts + Counter(move.counts or move.folded))
        move.read |= {span.partition: span.end for span in spans}

    async def _verify(self, copier: Copier, move: Move) -> None:
        """Compare what was written with what is there."""
        for number, first, end in await copier.reader.spans(move.name + MOVING, range(self._state.to)):
            count = move.counts.get(number, 0)
            if (first, end) != (0, count):
                there = f"offsets {first:,} to {end:,} in place of {count:,} records"
                raise KafkaError(f"{move.name}{MOVING}[{number}] has {there}: somebody else writes there. {AGAIN}")

    def _note_copied(self, move: Move) -> None:
        move.copied, move.records = True, sum(move.counts.values())
        self._journal.note(self._state)

    def _copy_what_came_late(self, move: Move) -> None:
        """Copy what producers have written before they were kept out, until the copy has all that the topic has."""
        begun = time.monotonic()
        while True:
            self._copy(self._copy_late)
            ends = self._topics.ends(move.name, move.partitions)
            if ends == move.read:
                break
            if time.monotonic() - begun > TRANSACTION:
                which = min(number for number in ends if ends[number] != move.read.get(number))
                raise KafkaError(f"{move.name}[{which}] has an open transaction: end its producer. {AGAIN}")
            time.sleep(LOOK_EVERY)
        self._note_copied(move)

    async def _copy_late(self, copier: Copier) -> None:
        move = self._state.events
        spans = await copier.reader.spans(move.name, range(move.partitions))
        late = [OffsetRange(number, max(first, move.read.get(number, 0)), end) for number, first, end in spans]
        await self._copy_more(copier, move, [span for span in late if span.end > span.first])

    def _original(self, move: Move) -> bool:
        found = self._topics.find(move.name)
        return found is not None and found.id == move.id

    def _delete_original(self, move: Move) -> None:
        found = self._topics.find(move.name)
        if found is not None and found.id == move.id:
            self._topics.delete(found)
            # Kafka forgets what was committed of it, and must not do so after something new was committed.
            begun = time.monotonic()
            while committed(self._settings, move.name) and time.monotonic() - begun < SHUT_AFTER:
                time.sleep(LOOK_EVERY)

    def _return(self, move: Move) -> None:
        self._make(move)
        self._doing_next(f"filling {move.name}", move.records)
        self._copy(self._copy_back(move))
        self._topics.configure(move.name, move.config, move.while_moving)
        move.returned = True
        self._journal.note(self._state)
        self._discard(move)

    def _make(self, move: Move) -> None:
        """Make the topic as it will be, also of one that somebody has made under its name meanwhile."""
        found, to = self._topics.find(move.name), self._state.to
        if found is not None and found.partitions > to:
            if any(self._topics.ends(move.name, found.partitions).values()):
                made = f"was made with {found.partitions} partitions and written to while it was moved"
                save = f"Save what is in it, delete it, and run again: flowgauge topics repartition --to {to}"
                raise KafkaError(f"topic {move.name!r} {made}. {save}")
            self._topics.delete(found)
            found = None
        if found is None:
            self._topics.create(move.name, to, move.replicas, move.while_moving)
            return
        if found.partitions < to:
            self._topics.add_partitions(move.name, to)
        self._topics.configure(move.name, move.while_moving)

    def _copy_back(self, move: Move) -> Callable[[Copier], Awaitable[None]]:
        async def copy(copier: Copier) -> None:
            spans = await copier.reader.spans(move.name + MOVING, range(self._state.to))
            move.same = await copier.back(move.name + MOVING, move.name, {span.partition: span.end for span in spans})

        return copy

    def _commit(self) -> None:
        """Commit where workers go on, with no derivation: they fold every item again, once."""
        state, move = self._state, self._state.events
        text = write_metadata("", 0, state.newest, state.to)
        offsets = {number: state.offsets.get(number, 0) for number in range(state.to)}
        if move.needed:
            # Behind what was folded; but before what somebody else has written among it.
            offsets = {number: min(move.folded.get(number, 0), move.same.get(number, 0)) for number in offsets}
        places = {number: CommittedOffset(offset, text) for number, offset in offsets.items()}
        begun = time.monotonic()
        while committed(self._settings, move.name) != places:
            if time.monotonic() - begun > TRANSACTION:
                raise KafkaError(f"Kafka does not keep what is committed of {move.name}. {AGAIN}")
            commit(self._settings, move.name, places)

    def _discard(self, move: Move) -> None:
        found = self._topics.find(move.name + MOVING)
        if found is not None:
            self._topics.delete(found)

    def _copy(self, work: Callable[[Copier], Awaitable[None]]) -> None:
        async def run() -> None:
            async with Copier(self._brokers, self._advance) as copier:
                await work(copier)

        asyncio.run(run())

    def _doing_next(self, what: str, total: int) -> None:
        self._doing, self._done, self._total = what, 0, total
        self._show(what, 0, total)

    def _advance(self, count: int) -> None:
        self._done += count
        self._show(self._doing, self._done, self._total)
