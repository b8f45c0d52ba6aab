"""`python -m benchmarks [PART ...]`: measure, print tables, write JSON."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks import peers
from benchmarks.broker import Kafka
from benchmarks.errors import BenchmarkError
from benchmarks.machine import machine
from benchmarks.run import REPOSITORY, Run
from benchmarks.table import show
from tests.kafka.jars import BrokerError
from tests.kafka.worker import WorkerError

PARTS = ("throughput", "recovery", "rebuild", "freshness", "scrape", "memory", "growth", "scale")


@click.command()
@click.argument("parts", metavar="[PART]...", nargs=-1, type=click.Choice(PARTS))
@click.option("--quick", is_flag=True, help="Smaller, and one round each.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "build" / "bench.json",
    help="Where the JSON goes; build/bench.json by default.",
)
def main(parts: tuple[str, ...], *, quick: bool, out: Path) -> None:
    """Measure PARTs, by default all: throughput, recovery, rebuild, freshness, scrape, memory, growth, scale."""
    # Failures are raised. A warning that a new topic has no leader yet is only noise.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        _prepare(parts or PARTS)
        with tempfile.TemporaryDirectory(prefix="flowgauge-bench-") as folder, Kafka() as kafka:
            results = _measure(Run(kafka, Path(folder), quick), parts or PARTS, out)
    except (BenchmarkError, BrokerError, WorkerError) as error:
        sys.exit(f"bench: {error}")
    show(results, Console())
    print(f"written to {out}")


def _prepare(parts: tuple[str, ...]) -> None:
    """Install and build what the parts need, before anything is measured."""
    if "throughput" in parts:
        peers.python()
        peers.java_class_path()


def _measure(run: Run, parts: tuple[str, ...], out: Path) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": machine(run)}
    out.parent.mkdir(parents=True, exist_ok=True)
    for part in parts:
        results[part] = import_module(f"benchmarks.parts.{part}").measure(run)
        # After each part, so that earlier results are kept if a later part fails.
        out.write_text(json.dumps(results, indent=1) + "\n")
    return results


if __name__ == "__main__":
    main()
