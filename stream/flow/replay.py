"""The engine in one process, with no broker: the same histories, fold and boards as on Kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stream.config.model import FlowConfig
from stream.events.event import Event
from stream.events.rejection import Rejection
from stream.flow.boards import Boards
from stream.flow.report import NodeNumbers, Reading
from stream.items.derivation import Derivation
from stream.items.tracker import Batch


class Replay:
    """Takes events, then gives the numbers at an instant (microseconds)."""

    def __init__(self, config: FlowConfig, at: int) -> None:
        self._config = config
        self._at = at
        self._derivation = Derivation.of(config)
        self._batch = Batch({}, self._derivation, at)
        self.refused: Counter[str] = Counter()

    def add(self, events: Iterable[Event]) -> None:
        """Add events. Those that a history refuses are counted in `refused`, by reason."""
        for event in events:
            try:
                self._batch.add(event, self._at)
            except Rejection as rejection:
                self.refused[rejection.reason.value] += 1

    def read(self) -> list[NodeNumbers]:
        """Fold all events that were added, and read all nodes. Call it once."""
        boards = Boards(self._config, self._derivation.partition)
        boards.advance(self._at)
        rows = self._batch.close().summaries
        boards.put_all(0, {row.key: row.summary for row in rows if row.summary is not None})
        return Reading(self._config, boards).read(self._at)
