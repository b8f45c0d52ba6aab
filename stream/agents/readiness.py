"""When the numbers are true.

For each partition of `flow.items` that a worker is given:

1. the events that stood in the topic at that time are folded, in every partition and with this configuration
   (the group's committed offsets tell, whoever tracks them);
2. the summaries that stood in the partition after that are in the boards.

Before that the partition's nodes are not shown, and `/ready` says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.kafka.offsets import Committed

REASONS = ("starting", "recovering", "backlog", "deriving", "reading_items")


@dataclass
class Awaited:
    """What a partition still waits for: the events before `events`, then the summaries before `items`."""

    events: Mapping[int, int]
    items: int | None = None


@dataclass
class Readiness:
    """The state of a worker; `derivation` is the name of its configuration and clock."""

    derivation: str
    ready: set[int] = field(default_factory=set)
    awaited: dict[int, Awaited] = field(default_factory=dict)
    backlog: Mapping[int, int] | None = None
    recovering: bool = True
    caught_up: bool = False

    def assign(self, measured: set[int], ends: Mapping[int, int]) -> None:
        """Take note of an assignment; `ends` are the ends of the events topic now."""
        self.ready &= measured
        self.awaited = {
            partition: self.awaited.get(partition) or Awaited(ends)
            for partition in measured
            if partition not in self.ready
        }
        if self.backlog is None:
            self.backlog = ends

    def distrust(self, committed: Mapping[int, Committed]) -> None:
        """Trust no number any more where somebody folds with another configuration, until all is folded with this."""
        if self.caught_up and self.backlog is not None and self._foreign(committed, self.backlog):
            self.caught_up = False
            self.awaited = {partition: Awaited(self.backlog) for partition in self.ready | set(self.awaited)}
            self.ready.clear()

    def folded(self, ends: Mapping[int, int], committed: Mapping[int, Committed]) -> bool:
        """Tell whether all events before `ends` are folded with this configuration."""
        return not self._missing(ends, committed) and not self._foreign(committed, ends)

    def _missing(self, ends: Mapping[int, int], committed: Mapping[int, Committed]) -> int:
        return sum(
            max(0, end - (committed[partition].offset if partition in committed else 0))
            for partition, end in ends.items()
        )

    def _foreign(self, committed: Mapping[int, Committed], ends: Mapping[int, int]) -> list[int]:
        return [
            partition
            for partition in ends
            if partition not in committed or committed[partition].derivation != self.derivation
        ]

    def reasons(self, committed: Mapping[int, Committed], positions: Mapping[int, int]) -> list[tuple[str, str]]:
        """Say what is not true yet, from the closed list `REASONS`; nothing when all is."""
        if self.backlog is None:
            return [("starting", "no partitions are assigned yet")]
        found = [] if self.caught_up else self._behind(self.backlog, committed)
        for partition, awaited in sorted(self.awaited.items()):
            if awaited.items is not None:
                left = max(0, awaited.items - positions.get(partition, 0))
                found.append(("reading_items", f"{left:,} summaries of partition {partition} are still to be read"))
            elif not found:
                found.append(("reading_items", f"partition {partition} waits for its events"))
        return found

    def _behind(self, backlog: Mapping[int, int], committed: Mapping[int, Committed]) -> list[tuple[str, str]]:
        if self.recovering:
            return [("recovering", "tables are being read from their changelog")]
        if self.folded(backlog, committed):
            self.caught_up = True
            return []
        missing, foreign = self._missing(backlog, committed), self._foreign(committed, backlog)
        found = [("backlog", f"{missing:,} events are still to be folded")] if missing else []
        if foreign:
            found.append(("deriving", f"partitions {foreign} are not folded with this configuration yet"))
        return found

    def settle(self, positions: Mapping[int, int]) -> None:
        """Mark as ready what has read all it waited for."""
        for partition, awaited in list(self.awaited.items()):
            if awaited.items is not None and positions.get(partition, 0) >= awaited.items:
                del self.awaited[partition]
                self.ready.add(partition)
