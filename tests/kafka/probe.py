"""Requests a worker's pages repeatedly in a thread, and keeps every answer with its time."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

EVERY = 0.1
JOIN_SECONDS = 30
# Only the organisation's numbers have one of these labels.
_OF_A_NODE = re.compile(r'^flow_\w+\{[^}]*\b(?:value_stream|level)="', re.MULTILINE)
_PLACE = re.compile(r'\b(value_stream|art|team|level)="([^"]*)"')

Node = frozenset[tuple[str, str]]
# The time of the request (`time.monotonic`), and the nodes with gauges in the answer.
Showing = tuple[float, set[Node]]


def shows_nodes(metrics: str) -> bool:
    """Return whether a `/metrics` page has gauges of nodes."""
    return _OF_A_NODE.search(metrics) is not None


def shown_nodes(metrics: str) -> set[Node]:
    """Return the labels of the nodes that have gauges on a `/metrics` page."""
    found = (frozenset(_PLACE.findall(line)) for line in metrics.splitlines() if line.startswith("flow_"))
    return {node for node in found if {"value_stream", "level"} & {label for label, _ in node}}


@dataclass(frozen=True)
class Answer:
    """A request and its answer. `began` and `ended` are `time.monotonic()`; status 0 means no answer."""

    path: str
    began: float
    ended: float
    status: int
    body: str

    @property
    def ready(self) -> bool:
        """Whether this is `/ready` with status 200."""
        return self.path == "/ready" and self.status == http.client.OK

    @property
    def shows_nodes(self) -> bool:
        """Whether this is a `/metrics` page that has gauges of nodes."""
        return self.path == "/metrics" and self.status == http.client.OK and shows_nodes(self.body)


class Probe:
    """Requests `/ready` and `/metrics` in turn until it is closed. Use it as a context manager."""

    def __init__(self, get: Callable[[str], tuple[int, str]], every: float = EVERY) -> None:
        self._get = get
        self._every = every
        self._answers: list[Answer] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join(JOIN_SECONDS)

    @property
    def answers(self) -> list[Answer]:
        """All answers so far, in their order."""
        return list(self._answers)

    def claims(self, begun_after: float, begun_before: float = float("inf")) -> list[Answer]:
        """Return the answers to requests of this time that said ready or showed gauges of nodes."""
        return [one for one in claims(self.answers) if begun_after <= one.began < begun_before]

    def _run(self) -> None:
        while not self._closing.is_set():
            for path in ("/ready", "/metrics"):
                self._answers.append(ask(self._get, path))
            self._closing.wait(self._every)


def ask(get: Callable[[str], tuple[int, str]], path: str) -> Answer:
    """Send one request."""
    began = time.monotonic()
    status, body = get(path)
    return Answer(path, began, time.monotonic(), status, body)


def claims(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers that said ready or showed numbers."""
    return [one for one in answers if one.ready or one.shows_nodes]


def showings(answers: Iterable[Answer]) -> list[Showing]:
    """Return the nodes on each `/metrics` page, and the time of its request."""
    pages = [one for one in answers if one.path == "/metrics"]
    return [(one.began, shown_nodes(one.body) if one.shows_nodes else set()) for one in pages]


def shared_for(one: Iterable[Showing], other: Iterable[Showing]) -> float:
    """Return for how many seconds at most two workers showed one node at the same time."""
    shown: dict[bool, set[Node]] = {True: set(), False: set()}
    since: dict[Node, float] = {}
    longest = 0.0
    pages = [(*showing, True) for showing in one] + [(*showing, False) for showing in other]
    for time_of, nodes, mine in sorted(pages, key=lambda page: page[0]):
        shown[mine] = nodes
        since = {node: since.get(node, time_of) for node in shown[True] & shown[False]}
        longest = max([longest, *(time_of - begun for begun in since.values())])
    return longest
