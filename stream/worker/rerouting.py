"""Warns of producers that write events to the wrong partition: one line a minute for each source."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic

from stream.items.outcome import Outcome

# Seconds.
EVERY = 60.0
_FIX = "its producer must partition by murmur2 of the key, like Java's; librdkafka: partitioner=murmur2_random"
logger = logging.getLogger(__name__)


class Rerouting:
    """Counts the events of each source that were sent on since its last warning.

    `label` gives the name under which a source is counted. `now` gives seconds of a monotonic clock.
    """

    def __init__(self, label: Callable[[str], str], now: Callable[[], float] = monotonic) -> None:
        self._label = label
        self._now = now
        self._since: Counter[str] = Counter()
        self._warned: dict[str, float] = {}

    def warn(self, outcome: Outcome) -> None:
        """Count the events of a batch that were sent on, and warn of each source not warned of in the last minute."""
        if not outcome.reroutes:
            return
        now = self._now()
        for (name, what), count in outcome.counts.items():
            if what == "rerouted":
                source = self._label(name)
                self._since[source] += count
                if now - self._warned.get(source, now - EVERY) >= EVERY:
                    self._warned[source] = now
                    number = self._since.pop(source)
                    events = "event was" if number == 1 else "events were"
                    logger.warning("source %r: %d %s sent on to another partition: %s", source, number, events, _FIX)
