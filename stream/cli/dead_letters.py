"""`flowgauge dead-letters`: lists refused records with the reason, and sends them to their topic again."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import click
from kafka import TopicPartition
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.errors import KafkaError
from stream.events.rejection import Reason
from stream.kafka.admin import REACH_MS, consumer, kafka_errors, producer
from stream.kafka.topics import DEAD_LETTERS, MIB
from stream.settings import Settings

BATCH_HEADERS = frozenset(f"flow_batch_{name}" for name in ("codec", "records", "last_offset"))
PART_HEADERS = frozenset({"flow_parts_id", "flow_part", "flow_parts"})
HEADERS = (
    BATCH_HEADERS
    | PART_HEADERS
    | {f"flow_{name}" for name in ("reason", "detail", "topic", "partition", "offset", "arrival", "file", "line")}
)
TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
SHOWN_BYTES = 64
SHOWN_ROWS = 100
UNACKNOWLEDGED_BYTES = 32 * MIB
UNACKNOWLEDGED_RECORDS = 1_000
SEND_SECONDS = 60
CLOSE_SECONDS = 10
POLL_MS = 1_000
# Fetching the largest record over a slow line may take this many polls.
SILENT_POLLS = 30


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record: its own key, value and headers; `why` has the `flow_*` headers that were added.

    A large record is kept in parts; `missing` is how many of them are gone.
    """

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    why: Mapping[str, str]
    missing: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """Its partition and offset in the dead-letters topic."""
        return self.partition, self.offset

    @property
    def batch(self) -> dict[str, Any] | None:
        """Facts about a batch that was refused as a whole. The value is the batch as Kafka keeps it."""
        if not self.why.keys() >= BATCH_HEADERS:
            return None
        return {
            "records": _number(self.why["flow_batch_records"]),
            "last_offset": _number(self.why["flow_batch_last_offset"]),
            "codec": self.why["flow_batch_codec"],
        }

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be sent again, or None."""
        obstacles = (
            ("flow_file" in self.why, "from a file: fix the row there and import it again"),
            (self.missing, "with missing parts: the topic's retention has deleted them"),
            ("flow_parts" in self.why, "kept in parts: larger than any event may be"),
            (self.batch, "of a whole batch: let its producer send the events again, in smaller batches"),
            (not TOPIC_NAME.fullmatch(self.why.get("flow_topic", "")), "without a source topic in its headers"),
            (self.key is None and self.value is None, "with neither key nor value"),
            (
                any(value is None for _, value in self.headers),
                "with a header that has no value, which this client cannot write",
            ),
        )
        return next((obstacle for found, obstacle in obstacles if found), None)


def split_headers(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[list[tuple[str, bytes | None]], dict[str, str]]:
    """Separate the record's own headers from those that were added when it was refused.

    Ours were appended, so if two headers have the same name, the last one is ours.
    """
    own: list[tuple[str, bytes | None]] = []
    why: dict[str, str] = {}
    for name, value in reversed(headers):
        if name in HEADERS and name not in why:
            why[name] = (value or b"").decode(errors="replace")
        else:
            own.append((name, value))
    return own[::-1], why


def read(settings: Settings) -> Iterator[DeadLetter]:
    """Read all dead letters up to the topic's present end, oldest first in each partition.

    Raises KafkaError if Kafka cannot be reached, stops answering, or has no such topic.
    """
    topic = settings.topic(DEAD_LETTERS)
    with kafka_errors(settings):
        source = consumer(settings)
        try:
            source.bootstrap(timeout_ms=REACH_MS)
            yield from joined(_letter(record) for record in _records(source, topic))
        finally:
            source.close()


def _letter(record: Any) -> DeadLetter:
    own, why = split_headers(record.headers)
    return DeadLetter(record.partition, record.offset, record.key, record.value, own, why)


def joined(letters: Iterable[DeadLetter]) -> Iterator[DeadLetter]:
    """Join the letters that hold the parts of one record. The result has the partition and offset of the first part.

    It is yielded once its last part is read; records with missing parts follow at the end.
    """
    open_parts: dict[str, dict[int, DeadLetter]] = {}
    for letter in letters:
        number, count = _number(letter.why.get("flow_part")), _number(letter.why.get("flow_parts"))
        name = letter.why.get("flow_parts_id")
        if name is None or number is None or count is None:
            yield letter
            continue
        parts = open_parts.setdefault(name, {})
        parts[number] = letter
        if len(parts) == count:
            yield _whole(open_parts.pop(name), count)
    for parts in open_parts.values():
        yield _whole(parts, _number(next(iter(parts.values())).why["flow_parts"]) or 0)


def _whole(parts: Mapping[int, DeadLetter], count: int) -> DeadLetter:
    numbers = sorted(parts)
    value = b"".join(parts[number].value or b"" for number in numbers)
    return replace(parts[numbers[0]], value=value, missing=count - len(parts))


def _records(source: Any, topic: str) -> Iterator[Any]:
    numbers = source.partitions_for_topic(topic)
    if not numbers:
        raise KafkaError(f"topic {topic!r} is missing. Create it: flowgauge topics apply")
    ends = source.end_offsets([TopicPartition(topic, number) for number in sorted(numbers)])
    source.assign(list(ends))
    source.seek_to_beginning()
    silent = 0
    while any(source.position(place) < end for place, end in ends.items()):
        batches = source.poll(timeout_ms=POLL_MS)
        silent = 0 if batches else silent + 1
        if silent == SILENT_POLLS:
            raise KafkaError(f"topic {topic!r}: Kafka stopped answering before its end. Check Kafka, then run it again")
        for place, batch in batches.items():
            yield from (record for record in batch if record.offset < ends[place])


def redrive(settings: Settings, places: AbstractSet[tuple[int, int]]) -> int:
    """Send the dead letters at these places to their source topics again; return how many.

    Key, value and own headers are unchanged, and the dead letters stay. A KafkaError says how many letters Kafka has
    acknowledged before it.
    """
    sent = 0
    try:
        with kafka_errors(settings):
            out = producer(settings)
            try:
                for batch in _by_volume(one for one in read(settings) if one.place in places):
                    sent += _send(out, batch)
            finally:
                out.close(timeout=CLOSE_SECONDS)
    except KafkaError as error:
        again = "Run it again: what arrives twice counts once"
        raise KafkaError(f"{sent} of {len(places)} dead letters were sent, then: {error}. {again}") from error
    return sent


def _by_volume(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Group letters, so that only a bounded volume waits for Kafka's acknowledgement."""
    batch: list[DeadLetter] = []
    volume = 0
    for letter in letters:
        batch.append(letter)
        volume += len(letter.value or b"") + len(letter.key or b"")
        if volume > UNACKNOWLEDGED_BYTES or len(batch) == UNACKNOWLEDGED_RECORDS:
            yield batch
            batch, volume = [], 0
    if batch:
        yield batch


def _send(out: Any, batch: Sequence[DeadLetter]) -> int:
    futures = [
        out.send(letter.why["flow_topic"], value=letter.value, key=letter.key, headers=list(letter.headers))
        for letter in batch
    ]
    out.flush(timeout=SEND_SECONDS)
    for future in futures:
        future.get(timeout=SEND_SECONDS)
    return len(futures)


@click.group(name="dead-letters")
@click.option("--brokers", metavar="HOST:PORT,...", help="Kafka's addresses; else FLOW_KAFKA_BROKERS.")
@click.pass_context
def command(ctx: click.Context, brokers: str | None) -> None:
    """Show refused records, or send them to their topic again."""
    ctx.obj = Settings.from_env(os.environ | ({"FLOW_KAFKA_BROKERS": brokers} if brokers else {}))


def _selection(function: Callable[..., None]) -> Callable[..., None]:
    reasons = click.Choice([str(reason) for reason in Reason])
    reason = click.option(
        "--reason",
        "reasons",
        type=reasons,
        multiple=True,
        help="Only those refused for this reason; repeatable.",
    )
    offset = click.option(
        "--offset", "offsets", type=click.IntRange(min=0), multiple=True, help="Only those at this offset; repeatable."
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    return reason(offset(as_json(function)))


def _selected(settings: Settings, reasons: Sequence[str], offsets: Sequence[int]) -> Iterator[DeadLetter]:
    for letter in read(settings):
        if (not reasons or letter.why.get("flow_reason") in reasons) and (not offsets or letter.offset in offsets):
            yield letter


@command.command(name="list")
@_selection
@click.option(
    "--limit", type=click.IntRange(min=1), help=f"Only this many, the newest. [default: {SHOWN_ROWS}; with --json: all]"
)
@click.pass_obj
def list_letters(
    settings: Settings,
    reasons: Sequence[str],
    offsets: Sequence[int],
    as_json: bool,
    limit: int | None,
) -> None:
    """Show dead letters: where each is, why it was refused, where it came from, and how it begins.

    With --json, one object for each line.
    """
    rows = (describe(letter) for letter in _selected(settings, reasons, offsets))
    if as_json:
        for row in rows if limit is None else deque(rows, limit):
            click.echo(json.dumps(row))
        return
    kept: deque[dict[str, Any]] = deque(maxlen=limit or SHOWN_ROWS)
    total = 0
    for row in rows:
        kept.append(row)
        total += 1
    _print_table(kept, total)


@command.command(name="redrive")
@_selection
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_obj
def redrive_letters(
    settings: Settings,
    reasons: Sequence[str],
    offsets: Sequence[int],
    as_json: bool,
    yes: bool,
) -> None:
    """Send all or the selected dead letters, unchanged, to the topics that they came from.

    They also stay in the dead-letters topic. Sending one twice is harmless: an event counts once.
    """
    places: set[tuple[int, int]] = set()
    obstacles: Counter[str] = Counter()
    for letter in _selected(settings, reasons, offsets):
        if letter.obstacle is None:
            places.add(letter.place)
        else:
            obstacles[letter.obstacle] += 1
    for obstacle, count in obstacles.items():
        click.echo(f"skipping {count} {obstacle}", err=True)
    if places and not yes:
        click.confirm(f"Send {len(places)} dead letters to their topic again?", abort=True, err=True)
    sent = redrive(settings, places) if places else 0
    skipped = obstacles.total()
    click.echo(json.dumps({"sent": sent, "skipped": skipped}) if as_json else f"sent {sent}, skipped {skipped}")


def describe(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as a JSON object: `size` in bytes, bytes that are not UTF-8 as escapes."""
    value = letter.value or b""
    why = letter.why
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": why.get("flow_reason", ""),
        "detail": why.get("flow_detail", ""),
        "source": _source(why),
        "arrival": why.get("flow_arrival"),
        "key": None if letter.key is None else _text(letter.key),
        "size": None if letter.value is None else len(value),
        "missing_parts": letter.missing,
        "batch": letter.batch,
        "first_bytes": _text(value[:SHOWN_BYTES]),
    }


def _source(why: Mapping[str, str]) -> dict[str, Any]:
    if "flow_file" in why:
        return {"file": why["flow_file"], "line": _number(why.get("flow_line"))}
    return {
        "topic": why.get("flow_topic"),
        "partition": _number(why.get("flow_partition")),
        "offset": _number(why.get("flow_offset")),
    }


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _print_table(rows: Sequence[Mapping[str, Any]], total: int) -> None:
    table = Table("partition", "offset", "reason", "detail", "source", "size", "first bytes")
    for row in rows:
        source = " ".join(str(part) for part in row["source"].values())
        cells = (row["partition"], row["offset"], row["reason"], row["detail"], source, row["size"])
        table.add_row(*(_cell(cell) for cell in (*cells, row["first_bytes"])))
    console = Console() if sys.stdout.isatty() else Console(width=240)
    console.print(table)
    all_of_them = "" if total == len(rows) else f": the newest {len(rows)} are shown; --limit shows more"
    click.echo(f"{total} dead letters{all_of_them}")


def _cell(value: object) -> Text:
    # A refused record may contain control sequences, which must not reach the terminal.
    text = "-" if value is None else str(value)
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
