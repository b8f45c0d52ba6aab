"""What the feed has written for one partition of `flow.items`."""

from __future__ import annotations

from dataclasses import dataclass, field

from stream.flow.watch import Watch
from stream.worker.feed_records import NodeRecords


@dataclass
class FeedMemory:
    """The last records of the nodes of a partition, and of their limits and targets.

    `ends` has the next offset by topic. `read_back` says whether everything that others have written was read.
    """

    nodes: NodeRecords = field(default_factory=NodeRecords)
    watch: Watch = field(default_factory=Watch)
    ends: dict[str, int] = field(default_factory=dict)
    read_back: bool = False
