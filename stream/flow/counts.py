"""Counters that drop zero counts, so that an emptied counter equals a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def change(counter: Counter[Any], key: Any, step: int) -> None:
    """Add to a count, and drop it at zero."""
    count = counter.get(key, 0) + step
    if count:
        counter[key] = count
    else:
        counter.pop(key, None)


def add_all(counter: Counter[Any], counts: Mapping[Any, int]) -> None:
    """Add many counts, none of which is zero."""
    for key, count in counts.items():
        change(counter, key, count)
