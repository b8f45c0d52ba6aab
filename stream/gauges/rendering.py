"""The lines of all nodes, written once: what has not changed since the last scrape is shown as it was written.

A node's numbers are the same object until something changes them, and so are the numbers of each of its windows; ages
are those of a snapshot. What was written is kept beside the object it tells of, so that no other object can come to
have its identity.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stream.flow.board import WindowNumbers
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers
from stream.gauges.lines import Pen
from stream.gauges.samples import MOVING, OWN, WINDOWED, histograms, moving, own, windowed
from stream.gauges.snapshot import Published, Snapshot

Pieces = tuple[bytes, ...]
Lines = Mapping[str, Sequence[bytes]]


class _Window(NamedTuple):
    numbers: WindowNumbers
    pieces: Pieces


class _Written(NamedTuple):
    numbers: NodeNumbers
    own: Pieces
    windows: Mapping[str, _Window]


class _Moving(NamedTuple):
    numbers: NodeNumbers
    at: int
    met_since: Mapping[str, int]
    pieces: Pieces


class Rendering:
    """Gives the lines of the newest snapshot. Scrapes come in several threads: the second waits, and writes little."""

    def __init__(self, published: Published, item_types: tuple[str, ...]) -> None:
        self._published = published
        self._item_types = item_types
        self._written: dict[Node, _Written] = {}
        self._moving: dict[Node, _Moving] = {}
        self._lock = threading.Lock()

    def prepare(self) -> Iterator[None]:
        """Write what is new in the newest snapshot node by node, so that little is left to `read`.

        The event loop does it between its other work: it would wait for the interpreter, each time that it wakes up,
        while a thread writes all at once.
        """
        snapshot, met_since = self._published.snapshot, self._published.met_since
        for numbers in snapshot.nodes:
            node, written = numbers.node, self._renewed(numbers)
            moved = self._moved(numbers, snapshot.at, met_since)
            if written is not self._written.get(node) or moved is not self._moving.get(node):
                self._written[node], self._moving[node] = written, moved
                yield

    def read(self) -> tuple[Snapshot, Lines]:
        """Give the newest snapshot and its lines in pieces, by name of the sample."""
        with self._lock:
            snapshot, met_since = self._published.snapshot, self._published.met_since
            self._written = {numbers.node: self._renewed(numbers) for numbers in snapshot.nodes}
            self._moving = {numbers.node: self._moved(numbers, snapshot.at, met_since) for numbers in snapshot.nodes}
            nodes = self._written.values()
            return snapshot, {
                **_by_name(OWN, [node.own for node in nodes]),
                **_by_name(WINDOWED, [window.pieces for node in nodes for window in node.windows.values()]),
                **_by_name(MOVING, [node.pieces for node in self._moving.values()]),
            }

    def _renewed(self, numbers: NodeNumbers) -> _Written:
        written = self._written.get(numbers.node)
        if written is not None and written.numbers is numbers:
            return written
        return self._write(numbers, {} if written is None else written.windows)

    def _moved(self, numbers: NodeNumbers, at: int, met_since: Mapping[str, int]) -> _Moving:
        kept = self._moving.get(numbers.node)
        if kept is not None and kept.numbers is numbers and kept.at == at and kept.met_since is met_since:
            return kept
        return self._write_moving(numbers, at, met_since)

    def _write_moving(self, numbers: NodeNumbers, at: int, met_since: Mapping[str, int]) -> _Moving:
        texts = Pen(numbers.node).gauges(moving(numbers, at, met_since))
        return _Moving(numbers, at, met_since, _pieces(MOVING, texts))

    def _write(self, numbers: NodeNumbers, former: Mapping[str, _Window]) -> _Written:
        pen = Pen(numbers.node)
        windows = {}
        for label, window in numbers.windows.items():
            kept = former.get(label)
            if kept is None or kept.numbers is not window:
                kept = _Window(window, self._window(pen, numbers.node.level, label, window))
            windows[label] = kept
        return _Written(numbers, _pieces(OWN, pen.gauges(own(numbers, self._item_types))), windows)

    def _window(self, pen: Pen, level: str, label: str, window: WindowNumbers) -> Pieces:
        texts = list(pen.gauges(windowed(level, label, window, self._item_types)))
        for histogram in histograms(level, label, window):
            texts += pen.histogram(histogram)
        return _pieces(WINDOWED, texts)


def _pieces(names: Sequence[str], texts: Iterable[tuple[str, str]]) -> Pieces:
    found = dict.fromkeys(names, b"")
    for name, text in texts:
        found[name] = text.encode()
    return tuple(found.values())


def _by_name(names: Sequence[str], parts: Sequence[Pieces]) -> Lines:
    return dict(zip(names, zip(*parts, strict=True), strict=True)) if parts else {}
