"""`track`, without Kafka: a batch of records and the rows they concern become new rows and summaries.

The caller writes the rows durably first, then the summaries and refusals, then acknowledges the batch. When
that is cut short, the batch comes again: its events are then duplicates, change no row, and repeat their summaries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from stream.config.model import FlowConfig
from stream.events.decode import decode
from stream.events.event import DAY, Event, EventType
from stream.events.rejection import Rejection
from stream.items import codec
from stream.items.codec import encode_summary
from stream.items.fold import VERSION as FOLD_VERSION
from stream.items.fold import Life, fold, live
from stream.items.history import History, decode_history, new_history, read_header
from stream.items.objective import Objective, fold_objective
from stream.items.rules import Rules
from stream.items.summary import ENDED_STATES, Summary
from stream.items.tail import Tail

MILLISECOND = 1_000
OBJECTIVE = "\0objective\0"
BACKDATED_AFTER = DAY
# Some two kilobytes each.
MAX_TAILS = 50_000


class Record(Protocol):
    """A record of the events topic, as a Kafka client gives it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


class Refusal(NamedTuple):
    """A record that was refused, and why."""

    record: Any
    rejection: Rejection


class Sent(NamedTuple):
    """A summary for a partition of `flow.items`; no value takes the item out there."""

    partition: int
    key: bytes
    value: bytes | None
    arrival: int


@dataclass(frozen=True)
class Derivation:
    """What the fold depends on beside the events: rules, retention, partitions, and their common name.

    `partitions` is the number of partitions of `flow.items`; `retention` and `tolerance` are microseconds.
    """

    rules: Rules
    name: str
    partitions: int
    retention: int
    tolerance: int

    @classmethod
    def of(cls, config: FlowConfig, clock: str = "", partitions: int = 1) -> Derivation:
        """Compile a configuration; the name tells every other configuration, clock and partitioning apart."""
        text = f"{config.fingerprint}{clock}/{partitions}/{codec.VERSION}.{FOLD_VERSION}"
        return cls(
            rules=Rules(config),
            name=blake2b(text.encode(), digest_size=8).hexdigest(),
            partitions=partitions,
            retention=config.retention.microseconds,
            tolerance=config.future_tolerance.microseconds,
        )

    def partition(self, value_stream: str) -> int:
        """Give the one partition in which all items of a value stream stand."""
        return crc32(value_stream.encode()) % self.partitions


@dataclass
class Outcome:
    """What a batch comes to; times are microseconds."""

    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    summaries: list[Sent] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    newest: dict[str, int] = field(default_factory=dict)
    anomalies: Counter[str] = field(default_factory=Counter)
    backdated: Counter[str] = field(default_factory=Counter)
    late: int = 0
    due: dict[bytes, int] = field(default_factory=dict)


class Batch:
    """One batch of one partition; `rows` are the partition's rows, which it reads and never writes.

    Events up to `now` are known; `today`, if that is another instant, is what retention is counted back from. `tails`
    are what former batches of the partition remember of its items, for this one to use and to renew.
    """

    def __init__(
        self,
        rows: Mapping[bytes, bytes],
        derivation: Derivation,
        now: int,
        today: int | None = None,
        tails: dict[bytes, Tail] | None = None,
    ) -> None:
        self._oldest = (now if today is None else today) - derivation.retention
        self._rows = rows
        self._tails = {} if tails is None else tails
        self._derivation = derivation
        self._now = now
        self._open: dict[bytes, History | Tail] = {}
        self._arrivals: dict[bytes, int] = {}
        self._outcome = Outcome()

    def take_records(self, records: Iterable[Record], clock: int) -> None:
        """Decode and take records; `clock` is the latest instant that counts as not in the future."""
        for record in records:
            arrival = record.timestamp * MILLISECOND
            try:
                event = decode(record.key, record.value, record.headers, max(arrival, clock))
                self.take(event, arrival)
            except Rejection as rejection:
                self._outcome.refusals.append(Refusal(record, rejection))
                self._outcome.counts[rejection.source, "rejected"] += 1

    def take(self, event: Event, arrival: int) -> None:
        """Take one event into its item's history; raises `Rejection` where the history is full."""
        key = row_key(event)
        outcome = "applied" if self._add(key, event, arrival) else "duplicate"
        self._outcome.counts[event.source, outcome] += 1
        if event.time > arrival + self._derivation.tolerance and outcome == "applied":
            self._outcome.anomalies[event.source] += 1
        if event.time < arrival - BACKDATED_AFTER and outcome == "applied":
            self._outcome.backdated[event.source] += 1
        if event.time > self._outcome.newest.get(event.source, event.time - 1):
            self._outcome.newest[event.source] = event.time
        self._arrivals[key] = max(arrival, self._arrivals.get(key, 0))

    def _add(self, key: bytes, event: Event, arrival: int) -> bool:
        item = self._open.get(key)
        if item is None:
            item = self._open[key] = self._tail(key) or self._read(key)
            if isinstance(item, History) and not item.entries and event.time < self._oldest:
                self._outcome.late += 1
        if isinstance(item, Tail):
            if item.add(event, arrival, self._now):
                return True
            item = self._open[key] = item.history()
        return item.add(event, arrival)

    def _tail(self, key: bytes) -> Tail | None:
        """Give what is remembered of the item, if its row is still the one that it was remembered with."""
        tail = self._tails.pop(key, None)
        return tail if tail is not None and tail.row is self._rows.get(key) else None

    def touch(self, key: bytes) -> None:
        """Fold an item again though nothing came: its time has come, or the configuration is another."""
        self._open[key] = self._read(key)

    def close(self) -> Outcome:
        """Fold each item that was touched once, and give what has to be written."""
        for key, item in self._open.items():
            if isinstance(item, Tail) or item.entries:
                self._close(key, item)
        return self._outcome

    def _read(self, key: bytes) -> History:
        row = self._rows.get(key)
        return new_history() if row is None else decode_history(row)

    def _close(self, key: bytes, item: History | Tail) -> None:
        summary, life = self._fold(key, item)
        stands_in = self._stands_in(summary)
        item.sent |= sum(1 << partition for partition in stands_in)
        if self._derivation.partitions == 1:
            # Nothing is to be remembered where there is one partition; so rows tell of nothing but their events.
            item.sent = 1
        row = item.encode()
        if row == self._rows.get(key):
            row = self._rows[key]
        else:
            self._outcome.rows[key] = row
        if isinstance(item, History) and item.newest > self._now:
            self._outcome.due[key] = min(entry.time for entry in item.entries if entry.time > self._now)
        if life is not None and item.newest <= self._now:
            self._remember(key, row, item, life)
        self._send(key, summary, stands_in, item.sent)

    def _fold(self, key: bytes, item: History | Tail) -> tuple[Summary | Objective | None, Life | None]:
        name, rules, now = key.decode(), self._derivation.rules, self._now
        life: Life | None
        if isinstance(item, Tail):
            life = item.life
        else:
            item.forget_if_erased(now)
            if name.startswith(OBJECTIVE):
                return _folded(key, item, rules, now), None
            life = live(item.entries, rules, now)
        return None if life is None else life.summary(name), life

    def _remember(self, key: bytes, row: bytes, item: History | Tail, life: Life) -> None:
        if len(self._tails) >= MAX_TAILS:
            self._tails.clear()
        last, count = (item.last, item.count) if isinstance(item, Tail) else (item.entries[-1], len(item.entries))
        self._tails[key] = Tail(row, life, last, count)

    def _stands_in(self, summary: Summary | Objective | None) -> set[int]:
        """Give the partitions in which the item counts: its owner's now, at its start and at its finish."""
        if summary is None:
            return set()
        stamps = (summary.start, summary.finish) if isinstance(summary, Summary) else ()
        owners = [summary.owner, *(stamp.owner for stamp in stamps if stamp)]
        return {self._derivation.partition(owner.value_stream) for owner in owners}

    def _send(self, key: bytes, summary: Summary | Objective | None, stands_in: set[int], sent: int) -> None:
        arrival = self._arrivals.get(key, 0)
        value = None if summary is None else encode_summary(summary, self._derivation.name)
        for partition in range(self._derivation.partitions):
            if sent >> partition & 1:
                kept = value if partition in stands_in else None
                self._outcome.summaries.append(Sent(partition, key, kept, arrival))


def row_key(event: Event) -> bytes:
    """Give the key of the item's row; objectives live beside the items and never clash with one."""
    prefix = OBJECTIVE if event.type is EventType.OBJECTIVE else ""
    return (prefix + event.item).encode()


def _folded(key: bytes, history: History, rules: Rules, now: int) -> Summary | Objective | None:
    name = key.decode()
    if name.startswith(OBJECTIVE):
        return fold_objective(name.removeprefix(OBJECTIVE), history.entries, rules, now)
    return fold(name, history.entries, rules, now)


def expired(key: bytes, row: bytes, derivation: Derivation, now: int) -> list[Sent] | None:
    """Tell whether an item is beyond retention; then give what takes it out everywhere, else None.

    Beyond retention is an item whose last event came more than a week ago, and which was finished, cancelled,
    deleted or erased longer ago than `retention`. Items that are not finished stay for ever; objectives do not.
    """
    header = read_header(row)
    if header.newest > now - derivation.retention or header.arrival > now - 7 * 86_400 * 1_000_000:
        return None
    summary = _folded(key, decode_history(row), derivation.rules, now)
    if isinstance(summary, Summary) and not (summary.deleted or summary.flow_state in ENDED_STATES):
        return None
    return [Sent(partition, key, None, 0) for partition in range(derivation.partitions) if header.sent >> partition & 1]
