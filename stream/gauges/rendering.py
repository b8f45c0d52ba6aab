"""The lines of all nodes. Lines that have not changed since the last scrape are not written again.

Fast twin of `FlowCollector` (`collector.py`); tests/gauges/test_metrics.py and test_rendering.py hold them equal.

A node's numbers are the same object until something changes them, and so are the numbers of each of its windows. So
the lines are kept with the object that they were written from, and compared by identity. Keeping the object alive
ensures that no new object gets its identity.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stream.flow.board import WindowNumbers
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers
from stream.gauges.lines import LineWriter
from stream.gauges.samples import MOVING, OWN, WINDOWED, Exported, histograms, moving, own, windowed
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
    """Gives the lines of the newest snapshot. Scrapes run in several threads and take turns."""

    def __init__(self, published: Published, exported: Exported) -> None:
        self._published = published
        self._exported = exported
        self._written: dict[Node, _Written] = {}
        self._moving: dict[Node, _Moving] = {}
        self._lock = threading.Lock()

    def prepare(self) -> Iterator[None]:
        """Write what is new in the newest snapshot, one node at a time, so that `read` has little left to write.

        The event loop does this between its other work. If a thread wrote everything at once, the event loop would
        wait for the interpreter lock each time it wakes up.
        """
        snapshot, met_since = self._published.snapshot, self._published.met_since
        for numbers in snapshot.nodes:
            node, written = numbers.node, self._current(numbers)
            moved = self._current_moving(numbers, snapshot.at, met_since)
            if written is not self._written.get(node) or moved is not self._moving.get(node):
                self._written[node], self._moving[node] = written, moved
                yield

    def read(self) -> tuple[Snapshot, Lines]:
        """Return the newest snapshot, and its lines in pieces by sample name."""
        with self._lock:
            snapshot, met_since = self._published.snapshot, self._published.met_since
            self._written = {numbers.node: self._current(numbers) for numbers in snapshot.nodes}
            self._moving = {
                numbers.node: self._current_moving(numbers, snapshot.at, met_since) for numbers in snapshot.nodes
            }
            nodes = self._written.values()
            return snapshot, {
                **_by_name(OWN, [node.own for node in nodes]),
                **_by_name(WINDOWED, [window.pieces for node in nodes for window in node.windows.values()]),
                **_by_name(MOVING, [node.pieces for node in self._moving.values()]),
            }

    def _current(self, numbers: NodeNumbers) -> _Written:
        written = self._written.get(numbers.node)
        if written is not None and written.numbers is numbers:
            return written
        return self._write(numbers, {} if written is None else written.windows)

    def _current_moving(self, numbers: NodeNumbers, at: int, met_since: Mapping[str, int]) -> _Moving:
        kept = self._moving.get(numbers.node)
        if kept is not None and kept.numbers is numbers and kept.at == at and kept.met_since is met_since:
            return kept
        return self._write_moving(numbers, at, met_since)

    def _write_moving(self, numbers: NodeNumbers, at: int, met_since: Mapping[str, int]) -> _Moving:
        texts = LineWriter(numbers.node).gauges(moving(numbers, at, met_since, self._exported))
        return _Moving(numbers, at, met_since, _pieces(MOVING, texts))

    def _write(self, numbers: NodeNumbers, former: Mapping[str, _Window]) -> _Written:
        writer = LineWriter(numbers.node)
        windows = {}
        for label, window in self._exported.windows_of(numbers):
            kept = former.get(label)
            if kept is None or kept.numbers is not window:
                kept = _Window(window, self._window(writer, numbers.node, label, window))
            windows[label] = kept
        return _Written(numbers, _pieces(OWN, writer.gauges(own(numbers, self._exported))), windows)

    def _window(self, writer: LineWriter, node: Node, label: str, window: WindowNumbers) -> Pieces:
        texts = list(writer.gauges(windowed(node, label, window, self._exported)))
        for histogram in histograms(node, label, window, self._exported):
            texts += writer.histogram(histogram)
        return _pieces(WINDOWED, texts)


def _pieces(names: Sequence[str], texts: Iterable[tuple[str, str]]) -> Pieces:
    found = dict.fromkeys(names, b"")
    for name, text in texts:
        found[name] = text.encode()
    return tuple(found.values())


def _by_name(names: Sequence[str], parts: Sequence[Pieces]) -> Lines:
    return dict(zip(names, zip(*parts, strict=True), strict=True)) if parts else {}
