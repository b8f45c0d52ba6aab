"""What summaries depend on besides the events, and its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from zlib import crc32

from stream.config.model import FlowConfig
from stream.items.codec import SUMMARY_VERSION
from stream.items.fold import FOLD_VERSION
from stream.items.rules import Rules


@dataclass(frozen=True)
class Derivation:
    """What the fold depends on besides the events, and a name for all of it.

    Attributes:
        rules: The compiled configuration.
        name: 16 hex digits, written into each summary. Another configuration, clock or partitioning has another name.
        partitions: The number of partitions of `flow.items`.
        retention: How long an ended item is remembered (microseconds).
        tolerance: How far an event may be ahead of its arrival without being an anomaly (microseconds).
    """

    rules: Rules
    name: str
    partitions: int
    retention: int
    tolerance: int

    @classmethod
    def of(cls, config: FlowConfig, clock: str = "", partitions: int = 1) -> Derivation:
        """Compile a configuration; `clock` is the suffix of the clock (`Clock.suffix`)."""
        text = f"{config.fingerprint}{clock}/{partitions}/{SUMMARY_VERSION}.{FOLD_VERSION}"
        return cls(
            rules=Rules(config),
            name=blake2b(text.encode(), digest_size=8).hexdigest(),
            partitions=partitions,
            retention=config.retention.microseconds,
            tolerance=config.future_tolerance.microseconds,
        )

    def into(self, generation: str) -> Derivation:
        """Give the same derivation for summaries that are written to a topic of this generation."""
        return replace(self, name=blake2b(f"{self.name}/{generation}".encode(), digest_size=8).hexdigest())

    def partition(self, value_stream: str) -> int:
        """Give the partition of `flow.items` that holds all items of a value stream."""
        return crc32(value_stream.encode()) % self.partitions
