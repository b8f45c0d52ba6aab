"""The end of a worker: from the first signal on it shows nothing, and after 15 seconds it is over.

A stop waits for Kafka: for what is under way, for a last commit, for the group. Where Kafka does not answer that has no
end, so there is a deadline. Nothing is lost by it: what is not committed is read again by the next worker.
"""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic

from stream.gauges.snapshot import Published

DEADLINE = 15.0
"""Seconds from the first signal until the process has ended."""
# The process needs a moment to go.
HARD_AFTER = DEADLINE - 1.0
LOOK_EVERY = 0.1


class Ending:
    """Ends the process when it takes too long to stop by itself."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._since: float | None = None

    def watch(self) -> None:
        """Keep the deadline from now on, in a thread of its own: the event loop may be what stands still."""
        threading.Thread(target=self._keep, name="ending", daemon=True).start()

    def begin(self) -> None:
        """Show nothing from now on. Called by a signal handler, so it takes no lock."""
        self._published.stopping = True
        if self._since is None:
            self._since = monotonic()

    def _keep(self) -> None:
        pause = threading.Event()
        while self._since is None or monotonic() - self._since < HARD_AFTER:
            pause.wait(LOOK_EVERY)
        sys.stderr.write(
            f"flowgauge: ended, after {HARD_AFTER:.0f} seconds of waiting for Kafka: nothing is lost, "
            "since what was not acknowledged is read again\n"
        )
        sys.stderr.flush()
        os._exit(1)
