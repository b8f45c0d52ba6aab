"""Checks of windows, retention and program increments: their times fit together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from stream.config.document import Document
from stream.config.duration import Duration
from stream.config.fields import read_day
from stream.config.mistake import Path, quoted
from stream.config.model import FlowConfig


def check(document: Document) -> None:
    """Note every mistake in windows and program increments."""
    check_windows(document)
    check_increments(document)


def durations(document: Document, key: str) -> list[tuple[Path, Duration]]:
    """Give the readable durations under a key of the file; if the key is missing, its default."""
    if key not in (document.data if isinstance(document.data, dict) else {}):
        default = FlowConfig.model_fields[key].default
        return [((key,), each) for each in (default if isinstance(default, tuple) else (default,))]
    found = []
    for pattern in (key, f"{key}.*"):
        for path, text in document.texts(pattern):
            try:
                found.append((path, Duration.parse(text)))
            except ValueError:
                continue
    return found


def check_windows(document: Document) -> None:
    """Each window has its own length, and no item is forgotten while it is in one."""
    retention = durations(document, "retention")
    first: dict[int, tuple[Path, Duration]] = {}
    for path, window in durations(document, "windows"):
        found, same = first.setdefault(window.microseconds, (path, window))
        if same is not window:
            place = f"the window {same} on line {document.line(found)}"
            document.complain(path, f"{quoted(window.label)} is as long as {place}: remove one of them", window.label)
        for _, limit in retention:
            if window.microseconds > limit.microseconds:
                fix = f"shorten the window, or set `retention` to {window} or more"
                message = f"{quoted(window.label)} is longer than the retention of {limit}: {fix}"
                document.complain(path, message, window.label)


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
