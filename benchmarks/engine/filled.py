"""The engine's state in one process: rows and boards, filled as the worker fills them, without a broker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.workload import Keyed, flow_yaml
from stream.config.loading import load_config
from stream.config.model import FlowConfig
from stream.flow.boards import Boards
from stream.items.codec import counted
from stream.items.derivation import Derivation
from stream.items.outcome import MILLISECOND
from stream.items.tracker import Batch
from stream.kafka.rows import Rows

RECORDS_A_BATCH = 5_000


@dataclass(slots=True)
class Record:
    """A record as the Kafka client gives it."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


class Filled:
    """Rows and boards of one worker that holds everything. `now` is in microseconds."""

    def __init__(self, teams: int, now: int) -> None:
        self.config = config(teams)
        self.rows = Rows()
        self.now = now
        self._derivation = Derivation.of(self.config)
        self.boards = Boards(self.config, self._derivation.partition)

    def take(self, events: Iterable[Keyed]) -> None:
        """Process events batch by batch: rows, summaries, boards."""
        source = iter(events)
        while portion := [Record(*each, self.now // MILLISECOND) for each in islice(source, RECORDS_A_BATCH)]:
            batch = Batch(self.rows, self._derivation, self.now)
            batch.add_records(portion, self.now)
            outcome = batch.close()
            if outcome.refusals:
                raise RuntimeError(f"refused: {outcome.refusals[0]}")
            self.rows.update({key: row for key, row in outcome.rows.items() if row is not None})
            for sent in outcome.summaries:
                self.boards.put(sent.partition, sent.key, None if sent.summary is None else counted(sent.summary))


def config(teams: int) -> FlowConfig:
    """Return the configuration with that many teams."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_text(flow_yaml(teams))
        return load_config(path)
