"""The tables of docs/capacity.md: the measurements, and computed figures for larger sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.report.markdown import DAY, duration, largest, number, part, size, table

ITEMS, TEAMS, SHARED_BY = 10_000_000, 1_000, 4

Results = Mapping[str, Any]


class Constants(NamedTuple):
    """The constants of the formulas, in seconds and bytes."""

    events_a_second: float
    cpu_seconds_an_event: float
    empty_bytes: float
    bytes_an_item: float
    recovered_a_second: float
    rebuilt_a_second: float
    scrape_seconds: float
    scrape_bytes: float
    events_an_item: float
    event_bytes: float
    history_bytes: float
    summary_bytes: float

    @classmethod
    def of(cls, results: Results) -> Constants:
        """Take them from the largest size of each part."""
        throughput, weighed = part(results, "throughput")["flowgauge"], largest(results, "memory")
        page, scale = part(results, "scrape")[str(TEAMS)], part(results, "scale")
        topics = scale["1"]["topics"]
        return cls(
            events_a_second=throughput["events_per_second"],
            cpu_seconds_an_event=_an_event(results),
            empty_bytes=weighed["worker"]["empty_bytes"],
            bytes_an_item=max(weighed[kind]["bytes_an_item"] for kind in ("in_progress", "finished")),
            recovered_a_second=largest(results, "recovery")["flowgauge"]["items_per_second"],
            rebuilt_a_second=largest(results, "rebuild")["flowgauge"]["items_per_second"],
            scrape_seconds=page["seconds"],
            scrape_bytes=page["bytes"],
            events_an_item=scale["size"]["events"] / scale["size"]["items"],
            event_bytes=topics["events_bytes_an_event"],
            history_bytes=topics["histories_bytes_a_key"],
            summary_bytes=topics["items_bytes_a_key"],
        )


def _an_event(results: Results) -> float:
    """Return the CPU seconds of an event at the largest measured size; if there is none, those while catching up."""
    grown = part(results, "growth")
    if grown:
        return float(largest(results, "growth")["flowgauge"]["cpu_seconds_an_event"])
    return 1 / float(part(results, "throughput")["flowgauge"]["events_per_cpu_second"])


def constants(results: Results) -> str:
    """Write the constants of the formulas."""
    found = Constants.of(results)
    rows = [
        ("`R`, events folded from a full topic", f"{number(found.events_a_second)} a second"),
        ("`c`, CPU of an event, thousands at once, each of another item", duration(found.cpu_seconds_an_event)),
        *_live(results),
        ("`M`, memory of a worker with no item", size(found.empty_bytes)),
        ("`m`, memory of an item, history and board", size(found.bytes_an_item)),
        ("`r`, items recovered after a start", f"{number(found.recovered_a_second)} a second"),
        ("`d`, items folded again after a changed `flow.yaml`", f"{number(found.rebuilt_a_second)} a second"),
        ("`s`, a scrape of 1,000 teams", f"{duration(found.scrape_seconds)}, {size(found.scrape_bytes)}"),
        ("`e`, an event in `flow.events`", size(found.event_bytes)),
        (f"`h`, a history of {number(found.events_an_item)} events in `flow.histories`", size(found.history_bytes)),
        ("`i`, a summary in `flow.items`", size(found.summary_bytes)),
    ]
    return table(("constant", "measured"), rows)


def _live(results: Results) -> Iterator[tuple[str, str]]:
    """Return the CPU of a worker without a backlog, by rate."""
    for rate, found in part(results, "freshness").items():
        if rate != "population":
            used = found["flowgauge"]["cpu_seconds"] / found["flowgauge"]["seconds"]
            yield f"CPU at {int(rate):,} events/s as they come, a scrape each second", f"{used:.0%} of a core"


def topics(results: Results) -> str:
    """Write the sizes of topics with one partition each, for one replica."""
    found = part(results, "scale")["1"]["topics"]
    rows = [
        ("`flow.events`", size(found["events_bytes_an_event"]), number(found["events_records_an_event"]), "-", "-"),
        *(
            (
                f"`flow.{name}`",
                size(found[f"{name}_bytes_an_event"]),
                number(found[f"{name}_records_an_event"]),
                size(found[f"{name}_bytes_a_key"]),
                "item",
            )
            for name in ("histories", "items")
        ),
        # It grows with time, not with events.
        ("`flow.metrics`", "-", "-", size(found["metrics_bytes_a_key"]), "node"),
    ]
    return table(("topic", "on disk, an event", "records an event", "after compaction", "of each"), rows)


def scale(results: Results) -> str:
    """Write throughput and memory by number of workers."""
    rows = [
        (
            workers,
            number(row["throughput"]["events_per_second"]),
            number(row["throughput"]["events_per_second_until_applied"]),
            number(row["throughput"]["events_per_cpu_second"]),
            number(row["throughput"]["broker_cpu_seconds"] / row["throughput"]["cpu_seconds"]),
            size(row["throughput"]["bytes"]),
        )
        for workers, row in _by_workers(results)
    ]
    head = ("workers", "events/s until ready", "until folded", "per CPU second", "Kafka's CPU beside it", "memory")
    found = part(results, "scale")
    volume, rounds = found["size"], found["1"]["throughput"]["rounds"]
    volumes = f"{volume['events']:,} events of {volume['items']:,} items in {volume['teams']} teams; rounds: {rounds}."
    return f"{volumes}\n\n{table(head, rows)}"


def moves(results: Results) -> str:
    """Write how long partitions take to recover and to move."""
    rows = [
        (
            workers,
            duration(row["recovery"]["seconds"]),
            *(_moved(row.get(name)) for name in ("killed", "joined")),
        )
        for workers, row in _by_workers(results)
    ]
    waited = f"Without the {duration(part(results, 'scale')['session_seconds'])} that Kafka waits for a killed worker."
    head = ("workers", "all started again", "one killed (not shown)", "it joins again (not shown)")
    return f"{waited}\n\n{table(head, rows)}"


def _moved(row: Mapping[str, float] | None) -> str:
    return "-" if row is None else f"{duration(row['seconds'])} ({duration(row['seconds_not_shown'])})"


def _by_workers(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, row) for name, row in part(results, "scale").items() if name.isdigit())


def large(results: Results) -> str:
    """Compute what these items and teams need from one worker, and from each of several."""
    found = Constants.of(results)
    rows = [
        (label, *(formula(found, ITEMS / count) for count in (1, SHARED_BY))) for label, formula in FORMULAS.items()
    ]
    measured = largest(results, "recovery")["size"]["items"]
    origin = f"Computed from the constants above, not measured: the largest measured worker had {measured:,} items."
    return f"{origin}\n\n" + table(("computed", f"{ITEMS:,} items", f"each of {SHARED_BY} workers"), rows)


FORMULAS: Mapping[str, Callable[[Constants, float], str]] = {
    "memory, `M + m * items`": lambda k, n: size(k.empty_bytes + k.bytes_an_item * n),
    "ready after a start, `items / r`": lambda k, n: duration(n / k.recovered_a_second),
    "ready with a changed `flow.yaml`, `items / d`": lambda k, n: duration(n / k.rebuilt_a_second),
    "a first import, `events / R`": lambda k, n: duration(n * k.events_an_item / k.events_a_second),
    "events a second, at one an item and day, `items / 86,400`": lambda _, n: number(n / DAY),
    "`flow.histories`, `h * items`": lambda k, n: size(k.history_bytes * n),
    "`flow.items`, `i * items`": lambda k, n: size(k.summary_bytes * n),
}
