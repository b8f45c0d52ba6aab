"""What a worker holds, and what track, measure and the page share."""

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
from stream.kafka.topics import ALERTS, DEAD_LETTERS, EVENTS, HISTORIES, ITEMS, METRICS, topics
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
        self.read_latest = clients.read_latest
        self.config = config
        self.clock = clock or Clock(settings.clock, self.newest_event)
        self.derivation = Derivation.of(config, self.clock.suffix, settings.items_partitions)
        self.boards = Boards(config, self.derivation.partition)
        self.numbers = EngineNumbers()
        # Each topic from the start, so that the first record of a process is an increase.
        self.numbers.unreadable.update(dict.fromkeys((topic.name for topic in topics(settings)), 0))
        self.unreadable = Unreadable(self.numbers)
        self.published = Published()
        self.ending = Ending(self.published)
        self.freeze_guard = clients.freeze_guard
        self.outbox, self.feed_outbox, self.offsets = clients.outbox, clients.feed_outbox, clients.offsets
        self.folded = Folded()
        # By this name the group lists this worker.
        self.client_id = clients.client_id
        self.committed: Mapping[int, Committed] = {}
        # The partitions of the events, and of the summaries, that this worker has, by number.
        self.tracked: dict[int, Tracked] = {}
        self.measured: dict[int, Measured] = {}
        # How often partitions were shared out: what was begun before that must not go on.
        self.assignment = 0
        # Between the loss of partitions and the next assignment nothing may be written.
        self.revoked = True
        # The keys under which `flow.items` has what is no summary; those that are tracked here are to be written again.
        self.overwritten: set[bytes] = set()
        self.working = asyncio.Lock()

    def begin_assignment(self) -> None:
        """Note that partitions were shared out, after which this worker may write."""
        self.assignment += 1
        self.revoked = False

    def end_assignment(self) -> None:
        """Note that partitions may move away: nothing may be written until the next assignment."""
        self.assignment += 1
        self.revoked = True

    @property
    def events_topic(self) -> str:
        """Topic of the events."""
        return self.settings.topic(EVENTS)

    @property
    def items_topic(self) -> str:
        """Topic of the summaries."""
        return self.settings.topic(ITEMS)

    @property
    def histories_topic(self) -> str:
        """Changelog topic of the item table."""
        return self.settings.topic(HISTORIES)

    @property
    def dead_letters_topic(self) -> str:
        """Topic of what was refused."""
        return self.settings.topic(DEAD_LETTERS)

    @property
    def metrics_topic(self) -> str:
        """Topic of the nodes' numbers."""
        return self.settings.topic(METRICS)

    @property
    def alerts_topic(self) -> str:
        """Topic of what limits and targets have come to."""
        return self.settings.topic(ALERTS)

    def newest_event(self) -> int:
        """Give the newest event time in the whole topic: what others have committed, and what was seen here."""
        seen = [time for tracked in self.tracked.values() for time in tracked.newest.values()]
        return max([0, *seen, *(committed.newest_event for committed in self.committed.values())])
