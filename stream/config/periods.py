"""Checks of windows, retention, program increments and iterations: their times fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import TypeVar

from stream.config.document import Document
from stream.config.duration import UNITS, Duration
from stream.config.fields import Period, read_day, read_whole_days, read_window
from stream.config.mistake import Path, quoted
from stream.config.model import FlowConfig, window_key
from stream.config.organisation import twice

# For each period, how many of them an item must be remembered: the running one, and the one before it.
REACH: dict[Period, int] = {"pi": 1, "previous_pi": 2, "iteration": 1, "previous_iteration": 2}
INCREMENTS = ("pi", "previous_pi")
WINDOWS: tuple[Duration | Period, ...] = FlowConfig.model_fields["windows"].default
RETENTION: Duration = FlowConfig.model_fields["retention"].default

Value = TypeVar("Value")


def check(document: Document) -> None:
    """Note every mistake in windows, program increments and iterations."""
    check_increments(document)
    check_twice(document, "windows")
    check_needs(document)
    check_retention(document)


def windows(document: Document, key: str = "windows") -> list[tuple[Path, Duration | Period]]:
    """Give the readable windows under a key of the file; if `windows` is missing, its default."""
    return _readable(document, key, read_window, WINDOWS if key == "windows" else ())


def _readable(
    document: Document, key: str, read: Callable[[object], Value], default: Sequence[Value]
) -> list[tuple[Path, Value]]:
    top = key.partition(".")[0]
    if not any(True for _ in document.at(top)):
        return [((top,), each) for each in default]
    found = []
    for pattern in (key, f"{key}.*"):
        for path, text in document.texts(pattern):
            try:
                found.append((path, read(text)))
            except ValueError:
                continue
    return found


def check_twice(document: Document, key: str) -> None:
    """No window is there twice, nor two of the same length."""
    first: dict[int | Period, tuple[Path, Duration | Period]] = {}
    for path, window in windows(document, key):
        found, other = first.setdefault(window_key(window), (path, window))
        if found == path:
            continue
        if isinstance(window, Duration):
            place = f"the window {other} on line {document.line(found)}"
            document.complain(path, f"{quoted(window.label)} is as long as {place}: remove one of them", window.label)
        else:
            twice(document, path, window, found, "remove one of them")


def check_window(document: Document, path: Path, window: Duration | Period) -> None:
    """The window at the path is one of `windows`."""
    known = [each for _, each in windows(document)]
    if window_key(window) not in map(window_key, known):
        labels = ", ".join(map(str, known))
        message = f"{quoted(str(window))} is not among the windows, {labels}: choose one of them, or add it"
        document.complain(path, message, str(window))


def check_needs(document: Document) -> None:
    """The periods of the windows are in the file."""
    for path, window in windows(document):
        if isinstance(window, Duration):
            continue
        if window in INCREMENTS:
            needed, fix = "program increments", "list some under `program_increments`"
            given = any(True for _ in document.at("program_increments.*"))
        else:
            needed, fix = "iterations", "give `iterations`, such as {first: 2026-10-01, length: 2w}"
            given = any(value is not None for _, value in document.at("iterations"))
        if not given:
            document.complain(path, f"{quoted(window)} needs {needed}: {fix}, or leave the window out", window)


def check_retention(document: Document) -> None:
    """No item is forgotten while it is in a window."""
    for _, retention in _readable(document, "retention", Duration.parse, [RETENTION]):
        for path, window in windows(document):
            if not isinstance(window, Duration):
                _check_reach(document, path, window, retention)
            elif window.microseconds > retention.microseconds:
                fix = f"shorten the window, or set `retention` to {window} or more"
                message = f"{quoted(window.label)} is longer than the retention of {retention}: {fix}"
                document.complain(path, message, window.label)


def _check_reach(document: Document, path: Path, window: Period, retention: Duration) -> None:
    spans = list(_increment_spans(document, window) if window in INCREMENTS else _iteration_spans(document, window))
    days, place = max(spans, default=(0, ""))
    if days * UNITS["d"] > retention.microseconds:
        message = f"{quoted(window)} reaches back up to {days}d{place}, more than the retention of {retention}"
        document.complain(path, f"{message}: set `retention` to {days}d or more, or leave the window out", window)


def _increment_spans(document: Document, window: Period) -> Iterator[tuple[int, str]]:
    """Give for how many days each increment is shown: until later ones begin, and the last ones until the last ends."""
    increments = sorted(_increments(document))
    last = max((end for _, end, _ in increments), default=date.min)
    edges = [start for start, _, _ in increments] + [last + timedelta(days=1)] * REACH[window]
    for (start, _, _), edge in zip(increments, edges[REACH[window] :], strict=True):
        yield (edge - start).days, f", from {start} to {edge - timedelta(days=1)}"


def _iteration_spans(document: Document, window: Period) -> Iterator[tuple[int, str]]:
    for _, length in document.texts("iterations.length"):
        try:
            days = read_whole_days(length).microseconds // UNITS["d"]
        except ValueError:
            continue
        yield REACH[window] * days, ""


def check_increments(document: Document) -> None:
    """A program increment ends after it began, and before the next begins."""
    last: tuple[date, Path] | None = None
    for start, end, path in sorted(_increments(document)):
        if end < start:
            message = f"{end} is before the start, {start}: swap them, or fix the year"
            document.complain((*path, "end"), message, end.isoformat())
            continue
        if last and start <= last[0]:
            place = f"the increment on line {document.line(last[1])}, whose last day is {last[0]}"
            message = f"{start} is within {place}: start it on a later day"
            document.complain((*path, "start"), message, start.isoformat())
        last = max(last or (end, path), (end, path))


def _increments(document: Document) -> Iterator[tuple[date, date, Path]]:
    for path, entry in document.at("program_increments.*"):
        try:
            yield read_day(entry["start"]), read_day(entry["end"]), path
        except (KeyError, TypeError, ValueError):
            continue
