"""Estimates and business values as whole millionths, so that decimals add up exactly."""

from __future__ import annotations

from typing import Any

from stream.events.limits import MAX_VALUE

MILLION = 1_000_000


def millionths(value: Any) -> int | None:
    """Give an amount in millionths; None if it is not a number. It is kept within the limits of an event.

    An earlier release accepted any value.

    >>> millionths(0.5), millionths("5"), millionths(None)
    (500000, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(max(-MAX_VALUE, min(value, MAX_VALUE)) * MILLION)


def points_of(value: Any) -> int | None:
    """Give an estimate in millionths; None if there is none.

    A number below 0 or above a thousand million is no estimate: some trackers write -1 for "not estimated".

    >>> points_of(0.5), points_of(-1)
    (500000, None)
    """
    points = millionths(value)
    return points if points is not None and 0 <= value <= MAX_VALUE else None
