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
# What says nothing about the figures, and something about whose machine it was.
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
    """Give a document with all its measured parts as the results have them."""
    return PART.sub(lambda part: f"{part[1]} -->\n\n{PARTS[part[1]](results)}\n\n", text)


def results() -> dict[str, Any]:
    """Read what the documents were made of."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return found


def compact(found: Any) -> Any:
    """Give results without their single rounds, of which the number stays, and with six significant digits."""
    if isinstance(found, dict):
        return {name: compact(inner) for name, inner in found.items() if name not in LEFT_OUT}
    if isinstance(found, list):
        return len(found)
    return significant(found, 6) if isinstance(found, float) else found
