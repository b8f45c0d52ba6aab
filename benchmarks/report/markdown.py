"""Tables and figures as the documents write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.errors import BenchmarkError

DIGITS = 3
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table. All columns except the first have figures, aligned right."""
    lines = (head, ("---", *("---:" for _ in head[1:])), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def part(results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the results of a part. Raises BenchmarkError if it was not run."""
    if name not in results:
        raise BenchmarkError(f"the results lack the part {name!r}: `make bench` measures all of them")
    found: Mapping[str, Any] = results[name]
    return found


def largest(results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the results of a part at its largest size, which is the last."""
    *_, found = part(results, name).values()
    sized: Mapping[str, Any] = found
    return sized


def significant(value: float, digits: int = DIGITS) -> float:
    """Round to significant digits."""
    return float(f"{value:.{digits}g}")


def number(value: float) -> str:
    """Write a figure with three significant digits."""
    rounded = significant(value)
    return f"{rounded:,.0f}" if rounded >= 100 or rounded == int(rounded) else f"{rounded:g}"


def size(value: float) -> str:
    """Write bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{number(value / factor)} {unit}"
    return f"{value:.0f} B"


def duration(seconds: float) -> str:
    """Write a duration in a unit that suits its size."""
    if seconds < 0.001:
        return f"{number(1_000_000 * seconds)} µs"
    if seconds < 1:
        return f"{number(1_000 * seconds)} ms"
    if seconds < 2 * MINUTE:
        return f"{number(seconds)} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{number(seconds / HOUR)} h"
