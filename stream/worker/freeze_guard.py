"""Ends a process that stood still for so long that Kafka may have given its partitions to another worker.

A worker that was frozen (SIGSTOP, a sleeping laptop, a starved container) and goes on in the middle of a batch would
write old rows over those of its successor. So a thread notes twice a second that the process moves, and each write
looks at that first. It is a thread, since an event loop that is busy is not frozen: Kafka's heartbeats go on beside it.
A freeze between that look and the system call is not noticed. Only Kafka's transactions could close that gap.
"""

from __future__ import annotations

import threading

from stream.clock import uptime
from stream.errors import KafkaError

# Session timeout > time between heartbeats + longest freeze that is allowed + time that a write may take.
SESSION_TIMEOUT = 20.0
HEARTBEAT_EVERY = 3.0
WRITE_DEADLINE = 10.0
FREEZE_LIMIT = 6.0
BEAT_EVERY = 0.5


class FreezeGuard:
    """Knows the longest freeze of a process since the first beat."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._longest = 0.0

    def start(self) -> None:
        """Beat from now on, in a thread of its own, until the process ends."""
        threading.Thread(target=self._run, name="freeze-guard", daemon=True).start()

    def beat(self) -> None:
        """Note that the process moves, and remember how long it did not."""
        self._longest = max(self._longest, self._still())
        self._last = uptime()

    def check(self) -> None:
        """Raise KafkaError if the process ever froze for so long that its partitions may be another worker's."""
        still = max(self._longest, self._still())
        if still > FREEZE_LIMIT:
            raise KafkaError(
                f"the process stood still for {still:.0f} seconds, so another worker may have its partitions now. "
                "Start it again"
            )

    def _still(self) -> float:
        return 0.0 if self._last is None else uptime() - self._last

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self.beat()
            pause.wait(BEAT_EVERY)
