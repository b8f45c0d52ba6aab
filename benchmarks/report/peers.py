"""The tables of benchmarks/README.md: the worker beside its peers, and other figures. The README has a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report.markdown import duration, largest, number, part, size, table

CONTESTANTS = {
    "limit": "aiokafka, a dict: the limit in Python",
    "flowgauge": "**flowgauge**, one worker",
    "flowgauge-plain": "flowgauge, one worker, its core not compiled",
    "flowgauge-2": "flowgauge, two workers",
    "faust": "Faust, a `Table`",
    "quix": "Quix Streams, RocksDB",
    "kafka-streams-rocksdb": "Kafka Streams, RocksDB",
    "kafka-streams-memory": "Kafka Streams, in memory",
    "pathway": "Pathway, in memory",
    "pathway-durable": "Pathway, its input kept on disk",
}
VERSIONS = {
    "flowgauge": "flowgauge",
    "python": "Python",
    "kafka": "Kafka",
    "aiokafka": "aiokafka",
    "faust-streaming": "faust-streaming",
    "kafka-streams": "Kafka Streams",
    "quixstreams": "Quix Streams",
    "pathway": "Pathway",
}
KINDS = {
    "in_progress": "an item in progress, 4 events",
    "finished": "one finished in the longest window, 6 events",
    "finished_before": "one finished before it, 6 events",
}

# A load average above this comes from other processes: the run itself has not begun.
IDLE = 0.5

Results = Mapping[str, Any]


def machine(results: Results) -> str:
    """Write the machine, the versions and the date."""
    found = part(results, "machine")
    versions = ", ".join(f"{name} {found['versions'][key]}" for key, name in VERSIONS.items())
    rounds = "one round" if found["rounds"] == 1 else f"medians of {found['rounds']} rounds"
    quick = "A quick run, which says less: " if found["quick"] else "By `make bench`: "
    hardware = f"{found['cores']} cores ({found['cpu']}), {found['memory_kib'] / 1024**2:.0f} GiB of memory"
    busy = f" Other processes used it: the load was {found['load']:.1f} before the run." if found["load"] > IDLE else ""
    core = "compiled" if found["compiled"] else "in plain Python"
    sentence = f"{quick}{rounds} on {found['date'][:10]}, {hardware}, Kafka's broker included."
    return f"{sentence} flowgauge's core is {core}. {versions}.{busy}"


def summary(results: Results) -> str:
    """Write the figures of the README."""
    full, at_rate = part(results, "throughput")["flowgauge"], part(results, "freshness")["1000"]["flowgauge"]
    killed, page = largest(results, "recovery"), part(results, "scrape")["100"]
    rows = [
        ("events folded from a full topic", f"{number(full['events_per_second'])} a second"),
        ("arrival to gauge at 1,000 events/s, p50 and p99", _percentiles(at_rate)),
        (
            f"killed and ready again, {killed['size']['items']:,} items",
            duration(killed["flowgauge"]["seconds"]),
        ),
        (f"a scrape of {page['teams']:,} teams", duration(page["seconds"])),
        ("memory of an item in progress, 4 events", size(largest(results, "memory")["in_progress"]["bytes_an_item"])),
    ]
    return table(("one worker", "measured"), rows)


def throughput(results: Results) -> str:
    """Write the contestants' table."""
    found = part(results, "throughput")
    own = found["flowgauge"]["events_per_second"]
    rows = [
        (
            label,
            number(found[name]["events_per_second"]),
            f"{found[name]['events_per_second'] / own:.2f}",
            number(found[name]["events_per_cpu_second"]),
        )
        for name, label in CONTESTANTS.items()
    ]
    return table(("contestant", "events/s", "times flowgauge", "events per CPU second"), rows)


def worker(results: Results) -> str:
    """Write the other figures of a worker."""
    rows = [*_recovery(results), *_freshness(results), *_scrape(results), *_memory(results), *_growth(results)]
    return table(("what", "flowgauge", "beside it"), rows)


def _recovery(results: Results) -> Iterator[tuple[str, str, str]]:
    for found in part(results, "recovery").values():
        beside = f"a raw read {duration(found['raw-read']['seconds'])}, Faust {duration(found['faust']['seconds'])}"
        items = f"{found['size']['items']:,} items"
        yield f"killed and ready again, {items}", duration(found["flowgauge"]["seconds"]), beside
    for found in part(results, "rebuild").values():
        items = f"{found['size']['items']:,} items"
        yield f"ready with a changed `flow.yaml`, {items}", duration(found["flowgauge"]["seconds"]), ""


def _freshness(results: Results) -> Iterator[tuple[str, str, str]]:
    for rate, found in part(results, "freshness").items():
        if rate != "population":
            bare = f"until a bare consumer has it, {_percentiles(found['bare'])}"
            yield f"arrival to gauge at {int(rate):,} events/s, p50 and p99", _percentiles(found["flowgauge"]), bare


def _percentiles(found: Mapping[str, float]) -> str:
    return f"{duration(found['p50'])}, {duration(found['p99'])}"


def _scrape(results: Results) -> Iterator[tuple[str, str, str]]:
    for found in part(results, "scrape").values():
        if "teams" in found:
            label = f"a scrape of {found['teams']:,} teams"
            yield label, duration(found["seconds"]), f"{size(found['bytes'])}, {found['samples']:,} samples"


def _memory(results: Results) -> Iterator[tuple[str, str, str]]:
    found = largest(results, "memory")
    for kind, label in KINDS.items():
        row = f"{size(found[kind]['row_bytes'])} of it its history"
        yield f"memory of {label}", size(found[kind]["bytes_an_item"]), row


def _growth(results: Results) -> Iterator[tuple[str, str, str]]:
    for found in part(results, "growth").values():
        at = f"{found['size']['items']:,} items and {found['size']['teams']:,} teams"
        own = found["flowgauge"]
        beside = f"{duration(own['cpu_seconds_an_event_less_idle'])} without the load at rest"
        yield f"CPU of an event at {at}", duration(own["cpu_seconds_an_event"]), beside
