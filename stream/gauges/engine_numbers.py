"""The engine's counts of its own work. The event loop writes them, a scrape reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

from stream.events.rejection import Reason
from stream.items.outcome import Outcome

FRESHNESS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
MAX_SOURCES = 100
BEYOND = "other"


class EngineNumbers:
    """Counters since the start of the process. Source names come from outside, so their number is limited."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        # Every reason starts at 0, so that Prometheus sees the first refusal as an increase.
        self.dead_letters: Counter[str] = Counter(dict.fromkeys((reason.value for reason in Reason), 0))
        self.anomalies: Counter[str] = Counter()
        self.backdated: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()
        self.late = 0
        self.merged = 0
        self.lag = 0
        self.newest: dict[str, int] = {}
        self.freshness = [0] * (len(FRESHNESS_BUCKETS) + 1)
        self.freshness_sum = 0.0
        self._sources: set[str] = set()

    def count(self, outcome: Outcome) -> None:
        """Count the outcome of an acknowledged batch."""
        for (source, what), number in outcome.counts.items():
            self.events[self.label(source), what] += number
        for counter, counts in ((self.anomalies, outcome.anomalies), (self.backdated, outcome.backdated)):
            for source, number in counts.items():
                counter[self.label(source)] += number
        for refusal in outcome.refusals:
            self.dead_letters[refusal.rejection.reason.value] += refusal.records
        self.late += outcome.late
        self.merged += outcome.merged

    def see(self, newest: Mapping[str, int]) -> None:
        """Note the newest event times (microseconds) by source."""
        for source, time in newest.items():
            label = self.label(source)
            self.newest[label] = max(time, self.newest.get(label, time))

    def observe_freshness(self, seconds: float) -> None:
        """Count how long an event took from its arrival in the topic until the gauges showed it."""
        self.freshness[bisect_left(FRESHNESS_BUCKETS, seconds)] += 1
        self.freshness_sum += seconds

    def label(self, source: str) -> str:
        """Return the label of a source: its name, or `other` beyond the limit."""
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            return BEYOND
        self._sources.add(source)
        return source
