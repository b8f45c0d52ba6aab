"""Whether this process has stood still for so long that Kafka may have given its partitions away.

A worker that was frozen (SIGSTOP, a sleeping laptop, a starved container) and goes on in the middle of a batch
would write old rows over its successor's. So the event loop notes its pulse, and whoever writes looks at it first.
What stays open is the moment between that look and the system call; only Kafka's transactions could close it.
"""

from __future__ import annotations

from stream.clock import uptime
from stream.errors import KafkaError

# Session timeout > time between heartbeats + freeze that is let pass + time that a write may take.
SESSION_TIMEOUT = 20.0
HEARTBEAT_EVERY = 3.0
WRITE_DEADLINE = 10.0
FREEZE_LIMIT = 6.0


class Pulse:
    """The pulse of an event loop; it begins with the first beat."""

    def __init__(self) -> None:
        self._last: float | None = None

    def beat(self) -> None:
        """Note that the loop moves; to be called every second. Raises KafkaError after a standstill."""
        self.check()
        self._last = uptime()

    def check(self) -> None:
        """Raise KafkaError if the loop has not moved for so long that its partitions may be another's."""
        still = 0.0 if self._last is None else uptime() - self._last
        if still > FREEZE_LIMIT:
            raise KafkaError(
                f"the process stood still for {still:.0f} seconds: its partitions may be another worker's by now. "
                "Start it again"
            )
