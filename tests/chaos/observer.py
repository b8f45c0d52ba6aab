"""Scrapes a worker all the time, as a wall does, and checks every number against the ledger."""

from __future__ import annotations

import time

from tests.chaos.background import Background
from tests.chaos.journal import Journal
from tests.chaos.ledger import Ledger
from tests.chaos.page import mistakes
from tests.chaos.supervisor import Supervisor
from tests.kafka.probe import Answer, Showing, ask, shown_nodes
from tests.oracle.series import parse_metrics

EVERY = 1.0
# Events acknowledged this long ago must be in every number shown.
LEASE = 30.0
# Requests in progress when the signal is sent may still be answered: on a busy machine the process runs this late.
AFTER_SIGTERM = 0.25


class Observer(Background):
    """Observes one worker while it is entered."""

    def __init__(self, supervisor: Supervisor, ledger: Ledger, journal: Journal) -> None:
        super().__init__(f"the observer of {supervisor.worker.name}", journal)
        self.looks = 0
        self.ready = 0
        self.showings: list[Showing] = []
        self._supervisor = supervisor
        self._name = supervisor.worker.name
        self._ledger = ledger

    def work(self) -> None:
        """Scrape about once a second."""
        while not self.closing.is_set():
            before, page, after = [self._ask(path) for path in ("/ready", "/metrics", "/ready")]
            self.looks += 1
            ready = before.ready and after.ready
            self.ready += ready
            self.showings.append((page.began, shown_nodes(page.body) if page.shows_nodes else set()))
            if page.shows_nodes:
                self._check(page, "ready" if ready else "not ready")
            self.closing.wait(EVERY)

    def _ask(self, path: str) -> Answer:
        told = self._supervisor.told
        answer = ask(self._supervisor.worker.get, path)
        if told is not None and answer.began > told + AFTER_SIGTERM and (answer.ready or answer.shows_nodes):
            self.journal.violate(
                "after SIGTERM", f"{self._name}: {path} {answer.status}, {answer.began - told:.2f} s after it"
            )
        return answer

    def _check(self, page: Answer, how: str) -> None:
        bounds = self._ledger.bounds(acknowledged_by=page.began - LEASE, sent_by=page.ended)
        found = mistakes(parse_metrics(page.body), bounds)
        if found:
            since = f"asked {time.monotonic() - page.began:.1f} s ago"
            self.journal.violate(f"wrong numbers while {how}", f"{self._name}, {since}: {'; '.join(found)}")
