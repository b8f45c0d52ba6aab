"""`track`, without Kafka: a batch of records and the rows of their items become new rows and summaries.

The caller writes rows, summaries and refusals, and completes the batch when all are durable. If it is interrupted, the
batch comes again: its events are then duplicates, change no row, and give the same summaries again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from stream.events.decode import decode
from stream.events.event import DAY, Event, EventType
from stream.events.limits import MAX_EVENT_BYTES
from stream.events.partition import EventsPartition
from stream.events.rejection import Reason, Rejection
from stream.items.append_only import AppendOnlyHistory, reopen
from stream.items.codec import encode_summary
from stream.items.derivation import Derivation
from stream.items.fold import Life, fold, live
from stream.items.full import FullItems
from stream.items.history import History, decode_history, new_history
from stream.items.objective import Objective, fold_objective
from stream.items.outcome import MILLISECOND, Outcome, Refusal, Reroute, SummaryRow
from stream.items.row import read_header
from stream.items.rules import Rules
from stream.items.summary import ENDED_STATES, Summary

OBJECTIVE = "\0objective\0"
_OBJECTIVE_KEY = OBJECTIVE.encode()
BACKDATED_AFTER = DAY
BEGIN_AGAIN = (
    "stop all workers, write a record without a value under the item's key to its partition of the histories topic, "
    "and send the item's events again"
)


class EventRecord(Protocol):
    """A record of the events topic, as a Kafka client gives it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int


class _Tally:
    """The counts of one source in a batch."""

    __slots__ = ("anomalies", "applied", "backdated", "duplicate", "newest")

    def __init__(self, newest: int) -> None:
        self.applied = self.duplicate = self.anomalies = self.backdated = 0
        self.newest = newest


class Batch:
    """One batch of one partition.

    Args:
        rows: The partition's rows. The batch reads them and never writes them.
        derivation: Rules, retention and the number of partitions of `flow.items`.
        now: Events up to this instant are known (microseconds).
        today: Retention is counted back from this instant; None: from `now`.
        partition: The partition of the events topic; events of other partitions are rerouted. None: all are taken.
        full: The items of the partition that are known to have no room for another event.
    """

    def __init__(  # noqa: PLR0913
        self,
        rows: Mapping[bytes, bytes],
        derivation: Derivation,
        now: int,
        today: int | None = None,
        *,
        partition: EventsPartition | None = None,
        full: FullItems | None = None,
    ) -> None:
        self._oldest = (now if today is None else today) - derivation.retention
        self._rows = rows
        self._derivation = derivation
        self._partition = partition
        self._full = FullItems() if full is None else full
        # A table that compresses its rows gives what it holds without decompressing it.
        self._stored: Callable[[bytes], bytes | None] = getattr(rows, "stored", rows.get)
        self._now = now
        self._open: dict[bytes, History | AppendOnlyHistory] = {}
        self._tallies: dict[str, _Tally] = {}
        self._outcome = Outcome()

    def pass_until(self, now: int) -> None:
        """Let time pass before more events are added; known events stay known."""
        self._now = max(self._now, now)

    def add_records(self, records: Iterable[EventRecord], clock: int) -> None:
        """Decode and add records. Instants up to `clock`, or to a record's arrival, are not in the future."""
        for record in records:
            arrival = record.timestamp * MILLISECOND
            try:
                event = decode(record.key, record.value, record.headers, max(clock, arrival))
                home = self.add(event, arrival)
                if home is not None:
                    self._send_on(record, event, home)
            except Rejection as rejection:
                self.refuse(record, rejection)

    def refuse(self, record: Any, rejection: Rejection, records: int = 1) -> None:
        """Keep a record as a dead letter, and count it as `records` rejected events."""
        # Its frames would keep this batch, with all its events, in memory until the garbage collector runs.
        rejection.__traceback__ = rejection.__context__ = None
        self._outcome.refusals.append(Refusal(record, rejection, records))
        self._outcome.counts[rejection.source, "rejected"] += records

    def add(self, event: Event, arrival: int) -> int | None:
        """Add one event to its item's history.

        If the item belongs to another partition of the events topic, add nothing and give that partition. Raises
        `Rejection` if the history is full or cannot be read.
        """
        key = row_key(event)
        item = self._open.get(key)
        opened = item is None
        if item is None:
            if key in self._full:
                self._full.check(key, self._stored(key), event)
            home = self._begin(key, event)
            if home is not None:
                return home
            item = self._open[key]
        try:
            applied = self._add_to(key, item, event, arrival)
        except Rejection:
            if opened:
                self._leave(key)
            raise
        self._tally(event, arrival, applied=applied)
        return None

    def _add_to(self, key: bytes, item: History | AppendOnlyHistory, event: Event, arrival: int) -> bool:
        if isinstance(item, History):
            return item.add(event, arrival)
        if item.add(event, arrival, self._now):
            return True
        history = self._open[key] = item.history()
        return history.add(event, arrival)

    def _leave(self, key: bytes) -> None:
        """Leave unchanged an item that was opened for an event which it has refused."""
        history, stored = self._open.pop(key), self._stored(key)
        if isinstance(history, History) and stored is not None:
            self._full.remember(key, history, stored)

    def _tally(self, event: Event, arrival: int, *, applied: bool) -> None:
        time = event.time
        tally = self._tallies.get(event.source)
        if tally is None:
            tally = self._tallies[event.source] = _Tally(time)
        # A call of max() for each event costs more than this comparison.
        if time > tally.newest:  # noqa: PLR1730
            tally.newest = time
        if not applied:
            tally.duplicate += 1
            return
        tally.applied += 1
        if time < arrival - BACKDATED_AFTER:
            tally.backdated += 1
        elif time > arrival + self._derivation.tolerance:
            tally.anomalies += 1

    def _send_on(self, record: EventRecord, event: Event, home: int) -> None:
        # The record may have come compressed, and is written as it came.
        size = sum(len(name) + len(value or b"") for name, value in record.headers)
        if size > MAX_EVENT_BYTES:
            detail = (
                f"{size:,} bytes of headers are more than {MAX_EVENT_BYTES:,}, and its key belongs to partition {home}"
            )
            raise Rejection(Reason.TOO_LARGE, f"{detail}: send fewer, and partition by murmur2", event.source)
        self._outcome.reroutes.append(Reroute(record, home))
        self._outcome.counts[event.source, "rerouted"] += 1

    def _begin(self, key: bytes, event: Event) -> int | None:
        """Open an item for its first event in the batch; if it belongs to another partition, only give that one."""
        home = None if self._partition is None else self._partition.elsewhere(record_key(key))
        if home is None:
            self._open[key] = self._opened(key, self._rows.get(key), event)
        return home

    def _opened(self, key: bytes, row: bytes | None, event: Event) -> History | AppendOnlyHistory:
        if row is not None:
            return self._read(key, row, event)
        if event.time < self._oldest:
            self._outcome.late += 1
        return (
            new_history()
            if event.type is EventType.OBJECTIVE
            else AppendOnlyHistory(Life(self._derivation.rules, event))
        )

    def touch(self, key: bytes) -> None:
        """Fold an item again without a new event: one of its events became known, or the configuration changed."""
        row = self._rows.get(key)
        if row is not None:
            # An item that cannot be read keeps its last summary.
            with suppress(Rejection):
                self._open[key] = self._read(key, row)

    def close(self) -> Outcome:
        """Fold each item of the batch once, and give what must be written."""
        for key, item in self._open.items():
            if isinstance(item, AppendOnlyHistory):
                self._settle(key, item)
            else:
                self._close(key, item)
        self._count()
        return self._outcome

    def _count(self) -> None:
        outcome = self._outcome
        for source, tally in self._tallies.items():
            outcome.newest[source] = tally.newest
            outcome.counts[source, "applied"] = tally.applied
            outcome.counts[source, "duplicate"] = tally.duplicate
            outcome.anomalies[source] = tally.anomalies
            outcome.backdated[source] = tally.backdated
        outcome.counts, outcome.anomalies, outcome.backdated = +outcome.counts, +outcome.anomalies, +outcome.backdated

    def _read(self, key: bytes, row: bytes, event: Event | None = None) -> History | AppendOnlyHistory:
        try:
            key.decode()
            if key.startswith(_OBJECTIVE_KEY):
                return decode_history(row)
            return reopen(row, self._derivation.rules, self._now, event)
        except ValueError as error:
            self._outcome.unreadable[key] = str(error)
            detail = f"the history of the item cannot be read ({error}): {BEGIN_AGAIN}, this one too"
            source = "" if event is None else event.source
            raise Rejection(Reason.UNREADABLE_HISTORY, detail, source) from None

    def _settle(self, key: bytes, history: AppendOnlyHistory) -> None:
        """Close an item whose events were all appended."""
        summary, came = history.life.summary(key.decode()), history.came
        self._outcome.merged += history.life.is_merged
        counts_in = self._counts_in(summary)
        sent = self._ever_sent(history.sent, counts_in)
        row = history.settle(sent)
        if row is not None:
            self._outcome.rows[key] = row
        self._send(key, summary, counts_in, sent, came)

    def _close(self, key: bytes, item: History) -> None:
        """Close an item with events in disorder, folded from its beginning."""
        now, rules = self._now, self._derivation.rules
        item.forget_if_erased(now)
        summary: Summary | Objective | None = None
        if key.startswith(_OBJECTIVE_KEY):
            summary = _folded(key, item, rules, now)
        else:
            life = live(item.entries, rules, now)
            summary = None if life is None else life.summary(key.decode())
            self._outcome.merged += life is not None and life.is_merged
        counts_in = self._counts_in(summary)
        item.sent = self._ever_sent(item.sent, counts_in)
        row = item.encode()
        if row != self._rows.get(key):
            self._outcome.rows[key] = row
        if item.newest > now:
            self._outcome.due[key] = min(entry.time for entry in item.entries if entry.time > now)
        self._send(key, summary, counts_in, item.sent, item.came)

    def _counts_in(self, summary: Summary | Objective | None) -> int:
        """Give a bit set of the partitions of the item's owners: now, at its start and at its finish."""
        if summary is None:
            return 0
        if self._derivation.partitions == 1:
            return 1
        stamps = (summary.start, summary.finish) if isinstance(summary, Summary) else ()
        owners = [summary.owner, *(stamp.owner for stamp in stamps if stamp)]
        partitions = {self._derivation.partition(owner.value_stream) for owner in owners}
        return sum(1 << partition for partition in partitions)

    def _ever_sent(self, sent: int, counts_in: int) -> int:
        # With one partition there is nothing to remember, and rows depend on their events only.
        return 1 if self._derivation.partitions == 1 else sent | counts_in

    def _send(self, key: bytes, summary: Summary | Objective | None, counts_in: int, sent: int, arrival: int) -> None:
        value = None if summary is None else encode_summary(summary, self._derivation.name)
        for partition in range(self._derivation.partitions):
            if counts_in >> partition & 1:
                self._outcome.summaries.append(SummaryRow(partition, key, value, summary, arrival))
            elif sent >> partition & 1:
                self._outcome.summaries.append(SummaryRow(partition, key, None, None, arrival))


def row_key(event: Event) -> bytes:
    """Give the key of the item's row. Objectives have keys that no item can have."""
    key = event.item.encode()
    return _OBJECTIVE_KEY + key if event.type is EventType.OBJECTIVE else key


def record_key(key: bytes) -> bytes:
    """Give the key of the records in the events topic that belong to a row's item or objective."""
    return key.removeprefix(_OBJECTIVE_KEY)


def _folded(key: bytes, history: History, rules: Rules, now: int) -> Summary | Objective | None:
    name = key.decode()
    if name.startswith(OBJECTIVE):
        return fold_objective(name.removeprefix(OBJECTIVE), history.entries, rules, now)
    return fold(name, history.entries, rules, now)


def expired(key: bytes, row: bytes, derivation: Derivation, now: int) -> list[SummaryRow] | None:
    """Give the rows that remove an item from all partitions, if it is beyond retention; else None.

    An item is beyond retention if its last event came more than a week ago, and it was finished, cancelled, deleted or
    erased longer ago than `retention`. Open items stay for ever; objectives do not.
    """
    header = read_header(row)
    if header.newest > now - derivation.retention or header.arrival > now - 7 * DAY:
        return None
    try:
        summary = _folded(key, decode_history(row), derivation.rules, now)
    except ValueError:
        # It is reported when it is needed.
        return None
    if isinstance(summary, Summary) and not (summary.deleted or summary.flow_state in ENDED_STATES):
        return None
    sent = [partition for partition in range(derivation.partitions) if header.sent >> partition & 1]
    return [SummaryRow(partition, key, None, None, 0) for partition in sent]
