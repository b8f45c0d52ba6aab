"""Warns of producers that put events into the wrong partition: once a minute and source, however many come."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic

from stream.items.outcome import Outcome

# Seconds.
EVERY = 60.0
_MEND = "its producer must partition by murmur2 of the key, as Java's does; librdkafka: partitioner=murmur2_random"
logger = logging.getLogger(__name__)


class Rerouting:
    """What was sent on by source since it was warned of last.

    `label` gives the name under which a source is counted; `now` gives seconds of any clock that only goes on.
    """

    def __init__(self, label: Callable[[str], str], now: Callable[[], float] = monotonic) -> None:
        self._label = label
        self._now = now
        self._since: Counter[str] = Counter()
        self._warned: dict[str, float] = {}

    def warn(self, outcome: Outcome) -> None:
        """Count what a batch has sent on, and write a line for each source that had none within the last minute."""
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
                    logger.warning("source %r: %d %s sent on to another partition: %s", source, number, events, _MEND)
