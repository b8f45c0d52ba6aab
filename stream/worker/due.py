"""Items that have an event in the future, and when its time comes."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush


class Due:
    """The items of one partition by the instant (microseconds) at which they are to be folded again."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}
        # Entries whose time is not their item's any more are left in the heap until they come to its top.
        self._heap: list[tuple[int, bytes]] = []

    def update(self, times: Mapping[bytes, int]) -> None:
        """Set the instants of items."""
        for key, time in times.items():
            self._times[key] = time
            heappush(self._heap, (time, key))

    def forget(self, key: bytes) -> None:
        """Take an item out, if it is in."""
        self._times.pop(key, None)

    def by(self, now: int) -> list[bytes]:
        """Give the items whose time has come."""
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
