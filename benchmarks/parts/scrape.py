"""Scrapes: seconds and bytes of /metrics by number of teams, and what a scrape each second does to freshness.

The page is rendered in a process of its own through `stream.gauges`. At 1,000 teams a real worker renders it too, while
it is fed 1,000 events a second, without and with a scrape each second.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import Any

from benchmarks.observed_worker import observations
from benchmarks.parts.freshness import Observed, Phase, Row, Scrapes, cut, phase, send
from benchmarks.processes import run_json
from benchmarks.run import LIFE_SECONDS, REPOSITORY, Run, middle
from benchmarks.workload import Size

TEAMS = (10, 100, 1_000, 10_000)
LARGEST_IN_QUICK = 1_000
RATE = 1_000
AT_WORK = Size(events=100_000, items=15_000, teams=1_000)


def measure(run: Run) -> dict[str, Any]:
    """Measure pages, then the worker at work."""
    pages = {}
    for teams in TEAMS:
        if not run.quick or teams <= LARGEST_IN_QUICK:
            run.say(f"scrape at {teams:,} teams")
            command = [sys.executable, "-m", "benchmarks.engine.scrape", str(teams), "3"]
            pages[str(teams)] = run_json(command, REPOSITORY, LIFE_SECONDS)
    return {**pages, "worker": _at_work(run)}


def _at_work(run: Run) -> dict[str, Any]:
    stretch = phase(run, RATE)
    alone: list[Row] = []
    scraped: list[Row] = []
    pages: list[tuple[float, int]] = []
    with Observed(run, AT_WORK) as observed:
        for number in range(run.rounds):
            run.say(f"scrapes of a worker with {AT_WORK.teams:,} teams, round {number + 1} of {run.rounds}")
            alone.append(send(run, observed, stretch))
            with Scrapes(observed.worker) as scrapes:
                scraped.append(send(run, observed, stretch))
            pages.append((median(scrapes.seconds), scrapes.bytes))
    shown = observations(observed.path)
    return {
        "size": AT_WORK._asdict(),
        "scrape_seconds": median(seconds for seconds, _ in pages),
        "scrape_bytes": pages[-1][1],
        "without_scrapes": _rows(shown, stretch, alone),
        "with_scrapes": _rows(shown, stretch, scraped),
    }


def _rows(shown: list[tuple[float, float]], stretch: Phase, spans: list[Row]) -> dict[str, Any]:
    return middle(cut(shown, stretch, span) for span in spans)
