"""Work that all nodes need is done in short turns with pauses between them, so that events need not wait for it."""

from __future__ import annotations

import asyncio
from time import monotonic

# Seconds. To read a node takes some 70 microseconds, to write it 300, and a batch of a few events a millisecond.
TURN, PAUSE = 0.0004, 0.002
# Seconds of all pauses together. With thousands of nodes a scrape would wait too long, so it then goes on without.
PAUSES = 0.15


class CooperativePauses:
    """The pauses of one piece of work, which begins now. `seconds` is how long all of them took.

    `turn`, `pause` and `pauses` are the seconds of a turn, of each pause, and of all pauses together.
    """

    def __init__(self, turn: float = TURN, pause: float = PAUSE, pauses: float = PAUSES) -> None:
        self._turn, self._pause, self._left = turn, pause, pauses
        self._until = monotonic() + turn
        self.seconds = 0.0

    async def pause(self) -> None:
        """Pause if a turn is over."""
        begun = monotonic()
        if begun < self._until:
            return
        pause = self._pause if self._left > 0 else 0.0
        self._left -= pause
        await asyncio.sleep(pause)
        now = monotonic()
        self.seconds += now - begun
        self._until = now + self._turn
