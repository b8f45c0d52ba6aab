"""Values in ascending order that are added and removed all the time.

Values that are added many at once are sorted when they are next read, which is several times faster.
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
        """Add a value."""
        self._looked_at().add(value)

    def extend(self, values: Iterable[Value]) -> None:
        """Add many values. Fast twin of `add`; held equal by tests/flow/test_finished.py."""
        self._added.extend(values)

    def merge(self, other: Ranked[Value]) -> None:
        """Add all values of another one."""
        self._added.extend(other._sorted)
        self._added.extend(other._added)

    def remove(self, value: Value) -> None:
        """Remove a value. Raises ValueError if it is not there."""
        self._looked_at().remove(value)

    def ascending(self) -> Sequence[Value]:
        """Give the values in ascending order, as they are now."""
        return cast("Sequence[Value]", self._looked_at())

    def place(self, value: Value) -> int:
        """Count the values that are less than this one."""
        return int(self._looked_at().bisect_left(value))

    def _looked_at(self) -> Any:
        if self._added:
            self._sorted.update(self._added)
            self._added.clear()
        return self._sorted
