"""The workers' `/metrics` together, compared with the oracle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.kafka.worker import Worker, WorkerError
from tests.oracle.brute_force import compare, parse_metrics
from tests.oracle.series import Series

AGREE_SECONDS = 90
SHOWN = 40
# Counts of each worker's own work, which are summed. Of the other engine gauges, the newest or worst value is taken.
SUMMED = ("flow_events_total", "flow_freshness_seconds")


class Conflict(AssertionError):
    """Two workers export one series of items with different values."""


def merged_metrics(workers: Iterable[Worker]) -> dict[Series, float]:
    """Return the union of all workers' `flow_` series.

    Counters and the freshness histogram are summed. `flow_ready` is the least and a worker's other own gauge
    the greatest. A gauge of items (with the label `value_stream` or `level`) must have one value or none. Raises
    Conflict if workers differ, and WorkerError if one does not answer.
    """
    merged: dict[Series, float] = {}
    for worker in workers:
        for series, value in parse_metrics(worker.metrics()).items():
            if series[0].startswith("flow_"):
                merged[series] = _merge(series, merged[series], value) if series in merged else value
    return merged


def _merge(series: Series, one: float, other: float) -> float:
    name, labels = series
    if {"value_stream", "level"} & {label for label, _ in labels}:
        if one != other:
            raise Conflict(f"{name} {sorted(labels)} is {one} at one worker and {other} at another")
        return one
    if name.startswith(SUMMED) or name.endswith("_total"):
        return one + other
    return min(one, other) if name == "flow_ready" else max(one, other)


def exact_everywhere(gauges: Mapping[Series, float]) -> dict[Series, float]:
    """Remove the portfolio's series, which no single partition can know if `items` has several."""
    return {series: value for series, value in gauges.items() if ("level", "portfolio") not in series[1]}


def assert_equal(actual: Mapping[Series, float], expected: Mapping[Series, float]) -> None:
    """Fail with the differences between the gauges and the oracle's."""
    assert len(expected) > 10, "the oracle expects next to nothing: the test would prove nothing"
    found = compare(actual, expected)
    assert not found, "\n".join([f"{len(found)} series differ:", *found[:SHOWN]])


def wait_equal(
    workers: Sequence[Worker],
    expected: Mapping[Series, float],
    keep: Callable[[Mapping[Series, float]], Mapping[Series, float]] = dict,
    timeout: float = AGREE_SECONDS,
) -> None:
    """Wait until the workers' gauges, filtered by `keep`, are as expected; else fail with the differences."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            assert_equal(keep(merged_metrics(workers)), keep(expected))
        except AssertionError as error:
            if time.monotonic() > deadline or not all(worker.alive for worker in workers):
                raise WorkerError(f"{error}\n{_logs(workers)}") from error
            time.sleep(0.3)
        else:
            return


def outcomes(gauges: Mapping[Series, float]) -> dict[str, int]:
    """Return `flow_events_total` by outcome, over all sources."""
    found: Counter[str] = Counter()
    for (name, labels), value in gauges.items():
        if name == "flow_events_total":
            found[dict(labels)["outcome"]] += int(value)
    return {outcome: count for outcome, count in found.items() if count}


def wait_outcomes(workers: Sequence[Worker], expected: Mapping[str, int], timeout: float = AGREE_SECONDS) -> None:
    """Wait until the workers have counted exactly these outcomes; else fail with those they counted."""
    deadline = time.monotonic() + timeout
    while (found := outcomes(merged_metrics(workers))) != expected:
        assert time.monotonic() < deadline, f"{found} instead of {expected}\n{_logs(workers)}"
        time.sleep(0.2)


def wait_until(happened: Callable[[], bool], what: str, timeout: float = 60) -> None:
    """Wait until a condition holds; else fail with its description."""
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"


def _logs(workers: Sequence[Worker]) -> str:
    return "\n".join(f"--- end of {worker.name}'s log\n{worker.log[-2000:]}" for worker in workers)
