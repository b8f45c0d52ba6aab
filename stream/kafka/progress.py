"""How far a partition has got: what was delivered, processed, made durable, lost and asked for again.

Faust empties its queues when it resumes after a rebalance or a recovery, also of what was fetched a moment before. So
what the client has polled says nothing about what was processed. A `Progress` keeps the two apart. It knows neither
Kafka nor a clock: whoever holds it polls, seeks and commits, and reports that here.

All offsets are next offsets: everything before them is meant.
"""

from __future__ import annotations

ASK_AGAIN_AFTER = 1.0
"""Seconds after which a partition may be read again from where it was asked for before."""


class Progress:
    """The progress of one partition, from its assignment until it is revoked.

    `delivered` is what the stream was given, None before the partition is sought; `reached` what was processed,
    `durable` what Kafka has acknowledged all outcomes of, and `pending` what is to be committed with its metadata.
    """

    __slots__ = ("_ahead", "_asked", "_taken", "delivered", "durable", "pending", "reached")

    def __init__(self) -> None:
        self.delivered: int | None = None
        self.reached = 0
        self.durable = 0
        self._ahead: tuple[int, int] | None = None
        self._asked: tuple[int, float] | None = None
        self.pending: tuple[int, str] | None = None
        self._taken: tuple[int, str] | None = None

    def seek(self, offset: int) -> None:
        """Note that the client reads on from an offset, so that what was delivered behind it comes again."""
        self.delivered = offset

    def begin(self, offset: int) -> None:
        """Begin at an offset, whatever was processed or to be committed before."""
        self.seek(offset)
        self.reached = self.durable = offset
        self.pending = self._taken = None

    def leaves_out(self, begin: int, first: int) -> bool:
        """Tell whether records are missing before a batch that begins at an offset, so that it must be read again.

        A poll that crossed a seek leaves records out. `first` is the first offset that the partition still has: what is
        before it nobody can read.
        """
        return self.delivered is not None and max(self.delivered, first) < begin

    def deliver(self, next_offset: int) -> int:
        """Note that the stream is given a batch up to an offset; return the offset that it follows."""
        previous, self.delivered = self.delivered or 0, next_offset
        return previous

    def follows(self, previous: int) -> bool:
        """Tell whether a batch follows what was processed. It may repeat some of that, but leave nothing out."""
        return previous <= self.reached

    def process(self, next_offset: int) -> None:
        """Note that everything before an offset was processed."""
        self.reached = max(next_offset, self.reached)

    def complete(self, next_offset: int, metadata: str) -> None:
        """Note that everything before an offset is processed and durable, so that it may be committed."""
        self.process(next_offset)
        self.durable = max(next_offset, self.durable)
        self.pending = self.durable, metadata

    def take_pending(self) -> tuple[int, str] | None:
        """Give the offset to commit and its metadata, once; None where nothing was completed since."""
        pending, self.pending = self.pending, None
        self._taken = pending or self._taken
        return pending

    def give_back(self, pending: tuple[int, str]) -> None:
        """Take back what could not be committed, unless more was completed, or taken to be committed, meanwhile.

        Kafka may have committed what was taken later, and an offset must not go back.
        """
        if self.pending is None and pending is self._taken:
            self.pending = pending

    def see_committed(self, offset: int) -> None:
        """Note what Kafka has committed: where an older commit came last, what was taken last is committed again."""
        if self.pending is None and self._taken is not None and offset < self._taken[0]:
            self.pending = self._taken

    def asks_again(self, now: float) -> bool:
        """Tell whether to read again from `reached`, since a batch does not follow; `now` is in seconds.

        Other batches that do not follow may still be on their way, so it is once a second at most.
        """
        if self._asked is not None and self._asked[0] == self.reached and now - self._asked[1] <= ASK_AGAIN_AFTER:
            return False
        self._asked = self.reached, now
        return True

    def stands_still(self, position: int) -> bool:
        """Tell whether the client is ahead of what was processed, as it was at the last look.

        To be asked every half second while nothing is in work. What is ahead twice in a row was lost.
        """
        end = max(position, self.delivered or 0)
        ahead = (self.reached, end) if end > self.reached else None
        before, self._ahead = self._ahead, ahead
        return ahead is not None and before == ahead

    def overlook(self) -> None:
        """Forget what was ahead at the last look, since something has been in work."""
        self._ahead = None
