"""How the worker's memory is looked after: millions of objects that live long, and next to none in cycles."""

from __future__ import annotations

import ctypes
import gc

# Python looks for cycles among all objects each time that a quarter more have come: a quarter of a worker's time. So it
# looks seldom at all of them, and at the new ones while these are few, since events wait meanwhile.
GC_THRESHOLDS = (2_000, 1, 500_000)


def look_seldom() -> None:
    """Have Python look for cycles as often as a worker needs it."""
    gc.set_threshold(*GC_THRESHOLDS)


def give_back() -> None:
    """Give the system what a start has needed and the numbers do not: half of a worker's memory.

    It takes 0.1 seconds for 300,000 items. The C library of macOS and of Alpine gives memory back by itself.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
