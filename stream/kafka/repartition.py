"""Moves events, histories and the group's offsets to another number of partitions, or items to the right partitions.

A topic is copied to a temporary one, each record to the partition of its key. Then it is deleted, created again, and
filled from the copy. A journal notes how far that is, so the next run continues if this one is cut short:

- Before `copied`, the topic is unchanged, and the copy is made again from the beginning.
- After `copied`, the copy has all records. The topic may be deleted, and is filled from where it differs from the copy.
- After `returned`, the topic is complete, and the copy is deleted.

Events get more partitions in place: an event that is then in the wrong partition is sent on when it is read. Only fewer
partitions need a new topic. Its partitions begin with the events that were folded before, so the group's new offsets
can come after these. Meanwhile a limit on the size of records, below that of any event, keeps producers out.
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
from stream.kafka.manage import POLL_EVERY, CommittedOffset, Topics, commit, committed, members, running
from stream.kafka.offsets import write_metadata
from stream.kafka.prepare import Prepared
from stream.kafka.reader import OffsetRange
from stream.kafka.topics import MOVING
from stream.settings import Settings

# Bytes. Smaller than any event, but enough for the markers that end a transaction.
CLOSED_BYTES = 100
# Seconds until all brokers know that a topic is closed.
CLOSE_SECONDS = 1.0
# Seconds until an open transaction has ended.
TRANSACTION_SECONDS = 90.0
AGAIN = "Run it again: flowgauge topics repartition"
"""What to do after a repartition was cut short."""
_CLOSED = {"max.message.bytes": str(CLOSED_BYTES), "retention.ms": "-1", "retention.bytes": "-1"}

Show = Callable[[str, int, int], None]
"""Called with the present step, its records done so far, and its total."""


class Repartition:
    """Carries a repartition from its present state to its end; it calls `show` with the progress."""

    def __init__(self, settings: Settings, prepared: Prepared, show: Show) -> None:
        self._settings = settings
        self._brokers = settings.brokers
        self._journal = prepared.journal
        self._state = prepared.state
        self._resumed = prepared.resumed
        self._show = show
        self._doing, self._done, self._total = "", 0, 0

    def run(self) -> State:
        """Do all remaining steps. Raises KafkaError; then no worker starts until another run has finished the rest."""
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
            self._commit_unfinished()
            return
        self._journal.begin(self._topics, self._state.events.replicas)
        try:
            self._journal.note(self._state)
            self._commit_unfinished()
        except KafkaError:
            # Nothing was changed yet, so workers may start again.
            with suppress(KafkaError):
                self._journal.end(self._topics)
            raise

    def _commit_unfinished(self) -> None:
        """Commit that a repartition is under way. Kafka refuses this while the group has a member."""
        if members(self._settings):
            raise KafkaError(running(self._settings))
        events = self._topics.find(self._state.events.name)
        if events is not None:
            # If all else is lost, this commit still says that every event must be read again.
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
            self._fill(move)

    def _move_events(self) -> None:
        move, to = self._state.events, self._state.to
        if to > move.partitions:
            found = self._topics.find(move.name)
            if found is not None and found.partitions < to:
                self._topics.add_partitions(move.name, to)
        elif move.needed and not move.returned:
            original = self._original_exists(move)
            if original:
                self._topics.configure(move.name, _CLOSED)
            if not move.copied:
                self._begin_copy(move)
                self._copy(self._copy_events)
                self._note_copied(move)
            if original:
                time.sleep(CLOSE_SECONDS)
                self._copy_what_came_late(move)
            self._delete_original(move)
            self._fill(move)

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
        """Check that the copy holds the records that were written, and no others."""
        for number, first, end in await copier.reader.spans(move.name + MOVING, range(self._state.to)):
            count = move.counts.get(number, 0)
            if (first, end) != (0, count):
                there = f"offsets {first:,} to {end:,} instead of {count:,} records"
                raise KafkaError(f"{move.name}{MOVING}[{number}] has {there}: something else writes to it. {AGAIN}")

    def _note_copied(self, move: Move) -> None:
        move.copied, move.records = True, sum(move.counts.values())
        self._journal.note(self._state)

    def _copy_what_came_late(self, move: Move) -> None:
        """Copy what producers wrote before the topic was closed, until the copy has all its records."""
        begun = time.monotonic()
        while True:
            self._copy(self._copy_late)
            ends = self._topics.ends(move.name, move.partitions)
            if ends == move.read:
                break
            if time.monotonic() - begun > TRANSACTION_SECONDS:
                which = min(number for number in ends if ends[number] != move.read.get(number))
                raise KafkaError(f"{move.name}[{which}] has an open transaction: end its producer. {AGAIN}")
            time.sleep(POLL_EVERY)
        self._note_copied(move)

    async def _copy_late(self, copier: Copier) -> None:
        move = self._state.events
        spans = await copier.reader.spans(move.name, range(move.partitions))
        late = [OffsetRange(number, max(first, move.read.get(number, 0)), end) for number, first, end in spans]
        await self._copy_more(copier, move, [span for span in late if span.end > span.first])

    def _original_exists(self, move: Move) -> bool:
        found = self._topics.find(move.name)
        return found is not None and found.id == move.id

    def _delete_original(self, move: Move) -> None:
        found = self._topics.find(move.name)
        if found is not None and found.id == move.id:
            self._topics.delete(found)
            # Kafka deletes the commits for the topic too, and must not do so after the new ones.
            begun = time.monotonic()
            while committed(self._settings, move.name) and time.monotonic() - begun < CLOSE_SECONDS:
                time.sleep(POLL_EVERY)

    def _fill(self, move: Move) -> None:
        self._create_new(move)
        self._doing_next(f"filling {move.name}", move.records)
        self._copy(self._copy_back(move))
        self._topics.configure(move.name, move.config, move.while_moving)
        move.returned = True
        self._journal.note(self._state)
        self._discard(move)

    def _create_new(self, move: Move) -> None:
        """Create the new topic, or change one that somebody else has created under its name meanwhile."""
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
        """Commit where workers continue, without a derivation, so they fold every item again once."""
        state, move = self._state, self._state.events
        text = write_metadata("", 0, state.newest, state.to)
        offsets = {number: state.offsets.get(number, 0) for number in range(state.to)}
        if move.needed:
            # After the events that were folded, but before anything that somebody else has written among them.
            offsets = {number: min(move.folded.get(number, 0), move.same.get(number, 0)) for number in offsets}
        places = {number: CommittedOffset(offset, text) for number, offset in offsets.items()}
        begun = time.monotonic()
        while committed(self._settings, move.name) != places:
            if time.monotonic() - begun > TRANSACTION_SECONDS:
                raise KafkaError(f"Kafka does not keep the commits for {move.name}. {AGAIN}")
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
