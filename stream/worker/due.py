"""Items that have an event in the future, and when it comes due."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush


class Due:
    """The items of one partition, each with the instant (microseconds) at which it must be folded again."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}
        # An entry whose item has another time now stays in the heap until it is on top.
        self._heap: list[tuple[int, bytes]] = []

    def update(self, times: Mapping[bytes, int]) -> None:
        """Set the instants of items."""
        for key, time in times.items():
            self._times[key] = time
            heappush(self._heap, (time, key))

    def forget(self, key: bytes) -> None:
        """Remove an item, if it is there."""
        self._times.pop(key, None)

    def by(self, now: int) -> list[bytes]:
        """Give the items that are due at `now`."""
        earliest = self.earliest
        if earliest is None or earliest > now:
            return []
        return [key for key, time in self._times.items() if time <= now]

    @property
    def earliest(self) -> int | None:
        """Give the first instant at which an item is due."""
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
