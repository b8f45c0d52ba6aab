"""Mean and percentiles of durations.

Percentiles interpolate linearly between closest ranks, inclusive (numpy's default, Hyndman-Fan type 7):
the p-quantile of n sorted values lies at rank (n - 1) * p.

>>> describe([1_000_000, 2_000_000, 4_000_000]).p50
2.0
>>> describe([]).mean is None
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stream.events.event import SECOND

NEVER = 1 << 62
QUANTILES = (0.5, 0.85, 0.95)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Count, and mean, percentiles and maximum in seconds, which are None if the count is 0."""

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p85: float | None = None
    p95: float | None = None
    max: float | None = None

    def quantile(self, q: float) -> float | None:
        """Give one of the three quantiles that are kept, in seconds."""
        return (self.p50, self.p85, self.p95)[QUANTILES.index(q)]


def describe(durations: Sequence[int], total: int | None = None) -> Statistics:
    """Describe durations in microseconds, sorted in ascending order; `total` is their sum, if it is known."""
    if not durations:
        return Statistics()
    mean = (sum(durations) if total is None else total) / len(durations) / SECOND
    p50, p85, p95 = (quantile(durations, q) for q in QUANTILES)
    return Statistics(len(durations), mean, p50, p85, p95, durations[-1] / SECOND)


def quantile(durations: Sequence[int], q: float) -> float:
    """Give a quantile, in seconds, of one or more sorted durations in microseconds."""
    low, high, share = rank(len(durations), q)
    return between(durations[low], durations[high], share)


def rank(count: int, q: float) -> tuple[int, int, float]:
    """Give the indexes of the two values around a quantile of `count` sorted values, and the share between them."""
    place = (count - 1) * q
    low = int(place)
    return low, min(low + 1, count - 1), place - low


def between(low: int, high: int, share: float) -> float:
    """Interpolate between two durations in microseconds; gives seconds."""
    return (low + (high - low) * share) / SECOND
