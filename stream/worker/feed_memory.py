"""What the feed's two topics say of one partition of `flow.items`."""

from __future__ import annotations

from dataclasses import dataclass, field

from stream.flow.watch import Watch
from stream.worker.measurements import Measurements


@dataclass
class FeedMemory:
    """What was written of a partition's nodes, and of their limits and targets.

    `ends` is by topic the offset of the next record. `read_back` says whether all is known that others have written.
    """

    nodes: Measurements = field(default_factory=Measurements)
    watch: Watch = field(default_factory=Watch)
    ends: dict[str, int] = field(default_factory=dict)
    read_back: bool = False
