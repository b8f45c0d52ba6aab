"""Durations, and what can be said of several."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

PERCENTILES = {"p50": Fraction(50, 100), "p85": Fraction(85, 100), "p95": Fraction(95, 100)}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length(window: str) -> timedelta:
    """Read a window such as `7d`."""
    return timedelta(**{UNITS[window[-1]]: int(window[:-1])})


def exact(duration: timedelta) -> Fraction:
    """Give a duration in seconds, without rounding."""
    return Fraction(duration // timedelta(microseconds=1), 1_000_000)


def seconds(durations: list[timedelta]) -> float:
    """Sum up durations without rounding, in seconds."""
    return sum(durations, timedelta()) / timedelta(seconds=1)


def statistic(durations: list[timedelta]) -> dict[str, Any]:
    """Describe durations, in seconds; the statistics of none are None."""
    if not durations:
        return {"count": 0, "mean": None, "p50": None, "p85": None, "p95": None, "max": None}
    mean = seconds(durations) / len(durations)
    ranked = {name: float(percentile(durations, share)) for name, share in PERCENTILES.items()}
    return {"count": len(durations), "mean": mean, **ranked, "max": seconds([max(durations)])}


def percentile(durations: list[timedelta], share: Fraction) -> Fraction:
    """Interpolate linearly between the two closest ranks, first and last included; in seconds, without rounding."""
    in_order = sorted(durations)
    rank = share * (len(in_order) - 1)
    below = in_order[int(rank)]
    above = in_order[min(int(rank) + 1, len(in_order) - 1)]
    return exact(below) + (rank - int(rank)) * exact(above - below)
