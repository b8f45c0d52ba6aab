"""The documents' tables of what was measured: `python -m benchmarks.report build/bench.json` writes them again.

A table is between `<!-- bench: NAME -->` and `<!-- end -->`, with a name of `PARTS`. `benchmarks/results.json` keeps
the results, so that a test can compare the tables without measuring anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import capacity, peers
from benchmarks.report.markdown import significant

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results.json"
DOCUMENTS = tuple(REPOSITORY / name for name in ("README.md", "benchmarks/README.md", "docs/capacity.md"))
PART = re.compile(r"(?<=<!-- bench: )(\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
# Keys that say nothing about the figures, but could identify the machine.
LEFT_OUT = {"system"}

PARTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "machine": peers.machine,
    "summary": peers.summary,
    "throughput": peers.throughput,
    "worker": peers.worker,
    "constants": capacity.constants,
    "topics": capacity.topics,
    "scale": capacity.scale,
    "moves": capacity.moves,
    "large": capacity.large,
}


def filled(text: str, results: Mapping[str, Any]) -> str:
    """Return a document with all its measured parts written from the results."""
    return PART.sub(lambda part: f"{part[1]} -->\n\n{PARTS[part[1]](results)}\n\n", text)


def results() -> dict[str, Any]:
    """Read the results behind the documents."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return found


def compact(found: Any) -> Any:
    """Return results with the number of rounds instead of the rounds, and six significant digits."""
    if isinstance(found, dict):
        return {name: compact(inner) for name, inner in found.items() if name not in LEFT_OUT}
    if isinstance(found, list):
        return len(found)
    return significant(found, 6) if isinstance(found, float) else found
