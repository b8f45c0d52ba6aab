"""What "now" is. Only this module asks for the time.

A clock is `wall` (the computer's clock), `event` (the newest event time in the whole topic) or a fixed instant.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from stream.events.time import parse_time

END_OF_TIME = 2**62


def wall_time() -> int:
    """Give the wall-clock time in microseconds since 1970."""
    return time.time_ns() // 1_000


def uptime() -> float:
    """Give monotonic seconds, which go on while the process is stopped and, on Linux, while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock:
    """The clock of a worker; all instants are microseconds since 1970.

    `newest_event` gives the newest event time that is known; only the `event` clock calls it.
    """

    def __init__(self, mode: str, newest_event: Callable[[], int]) -> None:
        self.mode = mode
        self._newest_event = newest_event
        self._instant = None if mode in ("wall", "event") else parse_time(mode)

    def now(self) -> int:
        """Give the instant as of which gauges are read."""
        if self._instant is not None:
            return self._instant
        return wall_time() if self.mode == "wall" else self._newest_event()

    def fold_until(self) -> int:
        """Give the instant up to which events are folded. The `event` clock folds all of them."""
        return END_OF_TIME if self.mode == "event" else self.now()

    @property
    def not_future(self) -> int:
        """Events up to this instant never count as in the future: a fixed clock's instant, else 0."""
        return self._instant or 0

    @property
    def suffix(self) -> str:
        """A suffix that distinguishes summaries folded with another clock; empty for the wall clock."""
        return "" if self.mode == "wall" else f"@{self.mode}"
