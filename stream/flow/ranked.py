"""Values in ascending order, which are put in and taken out all the time.

Many that are put in at once, as at a start, are sorted when they are looked at, which is several times faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar, cast

from sortedcontainers import SortedList

Value = TypeVar("Value")


class Ranked(Generic[Value]):
    """A multiset of values."""

    __slots__ = ("_added", "_sorted")

    def __init__(self) -> None:
        self._sorted: Any = SortedList()
        self._added: list[Value] = []

    def __len__(self) -> int:
        return len(self._sorted) + len(self._added)

    def add(self, value: Value) -> None:
        """Put a value in."""
        self._looked_at().add(value)

    def extend(self, values: Iterable[Value]) -> None:
        """Put many values in."""
        self._added.extend(values)

    def merge(self, other: Ranked[Value]) -> None:
        """Put in all that another has."""
        self._added.extend(other._sorted)
        self._added.extend(other._added)

    def remove(self, value: Value) -> None:
        """Take a value out; ValueError where it is not in."""
        self._looked_at().remove(value)

    def ascending(self) -> Sequence[Value]:
        """Give the values in order, as they are now."""
        return cast("Sequence[Value]", self._looked_at())

    def place(self, value: Value) -> int:
        """Count the values that are less."""
        return int(self._looked_at().bisect_left(value))

    def _looked_at(self) -> Any:
        if self._added:
            self._sorted.update(self._added)
            self._added.clear()
        return self._sorted
