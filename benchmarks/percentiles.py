"""Percentiles of latencies."""

from __future__ import annotations

from collections.abc import Iterable


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """Return p50, p99 (nearest rank), max and the number of values; nothing if there are no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {
        "p50": ordered[round(0.5 * last)],
        "p99": ordered[round(0.99 * last)],
        "max": ordered[last],
        "count": len(ordered),
    }
