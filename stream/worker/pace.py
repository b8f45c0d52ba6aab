"""What all nodes need is done in short turns with pauses between them, so that events do not wait for it."""

from __future__ import annotations

import asyncio
from time import monotonic

# Seconds. A node takes some 70 microseconds to be read and 300 to be written, a batch of a few events a millisecond.
TURN, PAUSE = 0.0004, 0.002
# So long it pauses altogether. Of thousands of nodes a scrape would wait too long, and goes on as the event loop lets.
PAUSES = 0.15


class Pace:
    """The pace of one piece of work, from now on; `rested`: seconds that others had meanwhile.

    `turn`, `pause` and `pauses` are seconds: of a turn, of each pause, and of all pauses together.
    """

    def __init__(self, turn: float = TURN, pause: float = PAUSE, pauses: float = PAUSES) -> None:
        self._turn, self._pause, self._left = turn, pause, pauses
        self._until = monotonic() + turn
        self.rested = 0.0

    async def rest(self) -> None:
        """Pause where a turn is over."""
        begun = monotonic()
        if begun < self._until:
            return
        pause = self._pause if self._left > 0 else 0.0
        self._left -= pause
        await asyncio.sleep(pause)
        now = monotonic()
        self.rested += now - begun
        self._until = now + self._turn
