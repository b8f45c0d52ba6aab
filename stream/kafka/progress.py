"""How far a partition has got: delivered, processed, durable, committed.

Faust empties its queues when it resumes after a rebalance or a recovery, even of records that it has just fetched. So
the client's position does not say what was processed, and a `Progress` keeps the two apart. It uses neither Kafka nor
a clock: its owner polls, seeks and commits, and reports that here.

All offsets are next offsets: they stand for everything before them.
"""

from __future__ import annotations

READ_AGAIN_AFTER = 1.0
"""Seconds after which a partition may be read again from the same offset."""


class Progress:
    """The progress of one partition, from its assignment until it is revoked.

    Attributes:
        delivered: The offset up to which the stream has the records; None before the first seek.
        reached: The offset up to which they were processed.
        durable: The offset up to which Kafka has acknowledged everything that came of them.
        pending: The offset to commit next, and its metadata; None if nothing was completed since the last commit.
    """

    __slots__ = ("_last_read_again", "_last_taken", "_last_unprocessed", "delivered", "durable", "pending", "reached")

    def __init__(self) -> None:
        self.delivered: int | None = None
        self.reached = 0
        self.durable = 0
        self._last_unprocessed: tuple[int, int] | None = None
        self._last_read_again: tuple[int, float] | None = None
        self.pending: tuple[int, str] | None = None
        self._last_taken: tuple[int, str] | None = None

    def seek(self, offset: int) -> None:
        """Note that the client reads on from an offset, so the records after it are delivered again."""
        self.delivered = offset

    def begin(self, offset: int) -> None:
        """Start at an offset, and forget what was processed or pending."""
        self.seek(offset)
        self.reached = self.durable = offset
        self.pending = self._last_taken = None

    def has_gap(self, begin: int, first: int) -> bool:
        """Return whether records are missing between those delivered and a batch that begins at `begin`.

        This happens when a poll and a seek overlap. Offsets before `first`, the first that Kafka still has, do not
        count as missing, since nobody can read them.
        """
        return self.delivered is not None and max(self.delivered, first) < begin

    def deliver(self, next_offset: int) -> int:
        """Note that the stream gets a batch up to `next_offset`, and return the offset that the batch follows."""
        previous, self.delivered = self.delivered or 0, next_offset
        return previous

    def follows(self, previous: int) -> bool:
        """Return whether a batch that follows `previous` leaves no record unprocessed. It may repeat some."""
        return previous <= self.reached

    def process(self, next_offset: int) -> None:
        """Note that everything before `next_offset` was processed."""
        self.reached = max(next_offset, self.reached)

    def complete(self, next_offset: int, metadata: str) -> None:
        """Note that everything before `next_offset` is processed and durable, so it may be committed."""
        self.process(next_offset)
        self.durable = max(next_offset, self.durable)
        self.pending = self.durable, metadata

    def take_pending(self) -> tuple[int, str] | None:
        """Return the offset to commit and its metadata, and clear `pending`; None if nothing is pending."""
        pending, self.pending = self.pending, None
        self._last_taken = pending or self._last_taken
        return pending

    def give_back(self, pending: tuple[int, str]) -> None:
        """Make a failed commit pending again, unless a later one is pending or was taken meanwhile.

        Kafka may have committed the later one, and an offset must not go back.
        """
        if self.pending is None and pending is self._last_taken:
            self.pending = pending

    def see_committed(self, offset: int) -> None:
        """Note the offset that Kafka has. If an older commit arrived last, make the newest one pending again."""
        if self.pending is None and self._last_taken is not None and offset < self._last_taken[0]:
            self.pending = self._last_taken

    def may_read_again(self, now: float) -> bool:
        """Return whether to read again from `reached` after a batch that does not follow; `now` is in seconds.

        At most once a second for the same offset, since other batches that do not follow may still be on their way.
        """
        if self._last_read_again is not None:
            offset, time = self._last_read_again
            if offset == self.reached and now - time <= READ_AGAIN_AFTER:
                return False
        self._last_read_again = self.reached, now
        return True

    def is_stuck(self, position: int) -> bool:
        """Return whether the same records were polled and not processed at this call and the last: they were lost.

        Call it every half second while nothing is in work. `position` is the client's.
        """
        end = max(position, self.delivered or 0)
        unprocessed = (self.reached, end) if end > self.reached else None
        before, self._last_unprocessed = self._last_unprocessed, unprocessed
        return unprocessed is not None and before == unprocessed

    def note_work(self) -> None:
        """Forget the last call of `is_stuck`, since something is in work."""
        self._last_unprocessed = None
