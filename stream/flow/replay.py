"""The engine in one process, with no broker: the same histories, fold and boards as on Kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from stream.config.model import FlowConfig
from stream.events.event import Event
from stream.events.rejection import Rejection
from stream.flow.boards import Boards
from stream.flow.report import NodeNumbers, Reading
from stream.items.derivation import Derivation
from stream.items.objective import Objective
from stream.items.summary import Summary
from stream.items.tracker import Batch


class Replay:
    """Takes events, and gives numbers and items at an instant (microseconds)."""

    def __init__(self, config: FlowConfig, at: int) -> None:
        self._config = config
        self._at = at
        self._derivation = Derivation.of(config)
        self._batch = Batch({}, self._derivation, at)
        self._summaries: Mapping[bytes, Summary | Objective] | None = None
        self._boards: Boards | None = None
        self.refused: Counter[str] = Counter()

    def add(self, events: Iterable[Event]) -> None:
        """Add events. Those that a history refuses are counted in `refused`, by reason."""
        self._summaries = self._boards = None
        for event in events:
            try:
                self._batch.add(event, self._at)
            except Rejection as rejection:
                self.refused[rejection.reason.value] += 1

    def read(self) -> list[NodeNumbers]:
        """Read all nodes."""
        return Reading(self._config, self._counted()).read(self._at)

    def unplaced(self) -> Counter[tuple[str, str]]:
        """Count the items that no backlog holds, by source and flow item type."""
        return self._counted().unplaced({0})

    def items(self) -> dict[str, Summary]:
        """Give the summaries of all items that are known, by their ids."""
        return {each.item: each for each in self._folded().values() if isinstance(each, Summary)}

    def _folded(self) -> Mapping[bytes, Summary | Objective]:
        if self._summaries is None:
            newest = {row.key: row.summary for row in self._batch.close().summaries}
            self._summaries = {key: each for key, each in newest.items() if each is not None}
        return self._summaries

    def _counted(self) -> Boards:
        if self._boards is None:
            self._boards = Boards(self._config, self._derivation.partition)
            self._boards.advance(self._at)
            self._boards.put_all(0, self._folded())
        return self._boards
