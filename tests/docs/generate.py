"""The parts of the documents that come from the code: `python -m tests.docs.generate` writes them again.

A part is between `<!-- generated: NAME -->` and `<!-- end -->`, with a name of `PARTS`. The command also writes the
scrape in tests/gauges/golden.prom.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from stream.cli.main import cli
from stream.config.model import MAX_BACKLOGS, MAX_STATES, MAX_TEAMS, MAX_WINDOWS, FlowConfig
from stream.events.event import DAY
from stream.events.limits import MAX_AHEAD, MAX_EVENT_BYTES, MAX_FIELDS, MAX_VALUE
from stream.gauges.catalogue import CATALOGUE
from stream.gauges.engine_numbers import MAX_SOURCES
from stream.gauges.page import SCRAPES
from stream.gauges.server import LIMITS
from stream.items.fold import MAX_STAYS
from stream.items.history import MAX_EVENTS, MAX_ROW_BYTES
from stream.items.spells import MAX_SPELLS
from stream.kafka.batches import MAX_BATCH_BYTES
from stream.kafka.topics import DAY_MS, MIB, topics
from stream.settings import SETTINGS, Settings
from stream.worker.letters import MAX_LETTER_BYTES, PART_BYTES
from tests.gauges.test_metrics import GOLDEN, golden_page

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
METRICS = REPOSITORY / "docs" / "metrics.md"
REFERENCE = REPOSITORY / "docs" / "reference.md"
GENERATED = (README, METRICS, REFERENCE)
PART = re.compile(r"(?<=<!-- generated: )(\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
REPLAY = ("replay", "docs/example.csv", "-c", "deploy/flow.yaml", "--at", "2026-11-22T18:00:00Z")


def generated(text: str) -> str:
    """Give a document with all its generated parts as the code has them now."""
    return PART.sub(lambda part: f"{part[1]} -->\n\n{PARTS[part[1]]()}\n\n", text)


def commands(
    command: click.Command = cli, path: str = "flowgauge"
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Give every command that does something, with its name in full and its context."""
    context = click.Context(command, info_name=path)
    if not isinstance(command, click.Group):
        yield path, command, context
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None:
            yield from commands(found, f"{path} {name}")


def _commands() -> str:
    rows = []
    for path, command, context in commands():
        words = [word for part in command.params for word in _argument(part, context)]
        summary = " ".join((command.help or "").split("\n\n")[0].split())
        options = ", ".join(f"`{_longest(part)}`" for part in command.params if isinstance(part, click.Option))
        rows.append((f"`{' '.join([path, *words])}`", summary, options))
    return _table(("command", "does", "options"), rows)


def _argument(part: click.Parameter, context: click.Context) -> list[str]:
    return [part.make_metavar(context)] if isinstance(part, click.Argument) else []


def _longest(part: click.Parameter) -> str:
    return max(part.opts, key=len)


def _metrics() -> str:
    rows = [(f"[`{one.name}`](#{one.name})", one.type, ", ".join(one.labels) or "-", one.help) for one in CATALOGUE]
    return _table(("metric", "type", "labels", "meaning"), rows)


def _settings() -> str:
    rows = [(f"`{one.variable}`", f"`{one.default}`", one.help) for one in SETTINGS]
    return _table(("variable", "default", "meaning"), rows)


def _topics() -> str:
    rows = [
        (f"`{one.name}`", str(one.partitions), one.key, _kept(one.config), one.purpose)
        for one in topics(Settings.from_env({}))
    ]
    return _table(("topic", "partitions", "key", "kept", "holds"), rows)


def _kept(config: Mapping[str, str]) -> str:
    if config["cleanup.policy"] == "compact":
        return "newest of each key"
    return f"{int(config['retention.ms']) // DAY_MS} days"


def _limits() -> str:
    retention = FlowConfig.model_fields["retention"].default
    rows = [
        ("events of one item", f"{MAX_EVENTS:,}, and {MAX_ROW_BYTES // MIB} MiB", "rejected as `history_full`"),
        ("one event", f"{MAX_EVENT_BYTES // MIB} MiB, {MAX_FIELDS} fields", "rejected as `too_large` or `bad_field`"),
        ("business values", f"0 to {MAX_VALUE:,}", "rejected as `bad_field`"),
        ("points", f"0 to {MAX_VALUE:,}", "the item counts as not estimated"),
        (
            "one batch of records, decompressed",
            f"{MAX_BATCH_BYTES // MIB} MiB",
            "rejected as a whole as `too_large`, and kept unchanged",
        ),
        ("one dead letter, compressed", f"{MAX_LETTER_BYTES // MIB} MiB", f"kept in parts of {PART_BYTES // MIB} MiB"),
        ("an event's time, after its arrival", f"{MAX_AHEAD // DAY} days", "rejected as `in_the_future`"),
        ("sources in the engine's metrics", str(MAX_SOURCES), "counted as `other`"),
        ("workflow states of one node in one backlog", str(MAX_STATES), "counted as `other`"),
        (
            "workflow states of one item between start and finish",
            str(MAX_STAYS),
            "time in further states counted as `other`; `flow_summaries_merged_total`",
        ),
        ("intervals in progress of one item", str(MAX_SPELLS), "the newest are kept; its summary has `spells_are_cut`"),
        ("windows", str(MAX_WINDOWS), "refused by `check-config`"),
        ("backlogs", str(MAX_BACKLOGS), "refused by `check-config`"),
        ("teams", f"{MAX_TEAMS:,}", "refused by `check-config`"),
        ("partitions of the items topic", "64", "refused as a setting"),
        (
            "ended items",
            f"{retention.label} (`retention`)",
            "forgotten, but never within a week of their last event's arrival; open items stay",
        ),
        (
            "connections to a worker's HTTP server",
            str(LIMITS.connections),
            "the one that has waited longest without a complete request is closed",
        ),
        ("scrapes of `/metrics` at a time", str(SCRAPES), "answered 503; `/ready` and `/live` are still answered"),
        (
            "one HTTP request",
            f"{LIMITS.reading:g} s to read it, {LIMITS.answering:g} s to send its answer",
            "the connection is closed",
        ),
    ]
    return _table(("what", "limit", "beyond it"), rows)


def _replay() -> str:
    # A fixed width, and no FLOW_ setting of the caller.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "stream", *REPLAY],
        cwd=REPOSITORY,
        env=environ | {"COLUMNS": "120", "PYTHONUTF8": "1", "NO_COLOR": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    shown = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"```console\n$ flowgauge {' '.join(REPLAY)}\n{shown}\n```"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "limits": _limits,
    "metrics": _metrics,
    "replay": _replay,
    "settings": _settings,
    "topics": _topics,
}


if __name__ == "__main__":
    for document in GENERATED:
        document.write_text(generated(document.read_text("utf-8")), "utf-8")
    GOLDEN.write_text(golden_page(), "utf-8")
