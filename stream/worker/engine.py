"""The state of a worker, which its parts share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from stream.clock import Clock
from stream.config.model import FlowConfig
from stream.flow.boards import Boards
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.snapshot import Published
from stream.items.derivation import Derivation
from stream.kafka.offsets import Committed, Folded
from stream.kafka.topics import topic_names, topics
from stream.settings import Settings
from stream.worker.clients import Clients
from stream.worker.ending import Ending
from stream.worker.measured import Measured
from stream.worker.tracked import Tracked
from stream.worker.unreadable import Unreadable


class Engine:
    """A worker's state. Only the event loop touches it, except `published`, which threads may read."""

    def __init__(self, settings: Settings, config: FlowConfig, clients: Clients, clock: Clock | None = None) -> None:
        self.settings = settings
        self.topics = topic_names(settings)
        self.read_latest = clients.read_latest
        self.config = config
        self.clock = clock or Clock(settings.clock, self.newest_event)
        self.derivation = Derivation.of(config, self.clock.suffix, settings.items_partitions)
        self.boards = Boards(config, self.derivation.partition)
        self.numbers = EngineNumbers()
        # All topics are counted from 0, so that Prometheus sees the first record as an increase.
        self.numbers.unreadable.update(dict.fromkeys((topic.name for topic in topics(settings)), 0))
        self.unreadable = Unreadable(self.numbers)
        self.published = Published()
        self.ending = Ending(self.published)
        self.freeze_guard = clients.freeze_guard
        self.outbox, self.feed_outbox, self.offsets = clients.outbox, clients.feed_outbox, clients.offsets
        self.folded = Folded()
        # The group lists this worker under this name.
        self.client_id = clients.client_id
        self.committed: Mapping[int, Committed] = {}
        # The partitions of the events and of the summaries that this worker has, by number.
        self.tracked: dict[int, Tracked] = {}
        self.measured: dict[int, Measured] = {}
        # It changes with each assignment and revocation. Work that was begun under another one must not go on.
        self.assignment = 0
        # From a revocation until the next assignment the feed writes nothing.
        self.revoked = True
        # Keys under which others have written to `flow.items`. The summaries of items tracked here are written again.
        self.overwritten: set[bytes] = set()
        self.working = asyncio.Lock()

    def begin_assignment(self) -> None:
        """Note an assignment: this worker may write again."""
        self.assignment += 1
        self.revoked = False

    def end_assignment(self) -> None:
        """Note a revocation: until the next assignment nothing may be written."""
        self.assignment += 1
        self.revoked = True

    def newest_event(self) -> int:
        """Give the newest event time (microseconds) in the whole topic, as committed by others or seen here."""
        seen = [time for tracked in self.tracked.values() for time in tracked.newest.values()]
        return max([0, *seen, *(committed.newest_event for committed in self.committed.values())])
