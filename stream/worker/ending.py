"""The end of a worker: it shows nothing after the first signal, and has ended 15 seconds later.

A stop waits for Kafka: for the writes under way, for a last commit, for the group. If Kafka does not answer, that
would take for ever, so there is a deadline. Nothing is lost: the next worker reads again what was not committed.
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
POLL_EVERY = 0.1


class Ending:
    """Ends the process when it takes too long to stop by itself."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._since: float | None = None

    def watch(self) -> None:
        """Keep the deadline from now on. The thread is its own, since the event loop may be what hangs."""
        threading.Thread(target=self._keep, name="ending", daemon=True).start()

    def begin(self) -> None:
        """Show nothing from now on. Called by a signal handler, so it takes no lock."""
        self._published.stopping = True
        if self._since is None:
            self._since = monotonic()

    def _keep(self) -> None:
        pause = threading.Event()
        while self._since is None or monotonic() - self._since < HARD_AFTER:
            pause.wait(POLL_EVERY)
        sys.stderr.write(
            f"flowgauge: ended after {HARD_AFTER:.0f} seconds of waiting for Kafka. Nothing is lost: "
            "the next worker reads again what was not acknowledged\n"
        )
        sys.stderr.flush()
        os._exit(1)
