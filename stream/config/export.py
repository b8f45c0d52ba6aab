"""Checks of `export`: its windows are configured, and nothing is in it twice."""

from __future__ import annotations

from stream.config.document import Document
from stream.config.organisation import twice
from stream.config.periods import check_twice, check_window, windows


def check(document: Document) -> None:
    """Note every mistake in what /metrics exports."""
    check_twice(document, "export.windows")
    for path, window in windows(document, "export.windows"):
        check_window(document, path, window)
    first: dict[str, tuple[str | int, ...]] = {}
    for path, name in document.texts("export.leave_out.*"):
        found = first.setdefault(name, path)
        if found != path:
            twice(document, path, name, found, "remove one of them")
