"""How the simulated teams work: a queueing network in hours of work.

Items arrive at random and wait in `To Do`. A team's workers pull them through development, review and test, each of
which takes a lognormal time. Items are blocked, fail their test, or are reopened, cancelled, deleted, moved to another
team or put back. Sometimes an incident causes a burst of defects, or half a team is away. Then the team exceeds its
limit for a while.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from math import exp, log
from random import Random
from typing import Any

from stream.demo.squads import DEVELOP, DONE, QUEUES, REVIEW, TEST, TO_DO, TO_REVIEW, TO_TEST, Squad, Ticket
from stream.demo.worktime import WorkClock

SERVICE = {DEVELOP: (4.5, 0.7), REVIEW: (0.7, 0.6), TEST: (1.8, 0.6)}
"""Median hours of work and sigma of their logarithm."""
EFFORT = {
    "Story": 1.0,
    "Feature": 1.8,
    "Bug": 0.6,
    "Enabler": 1.2,
    "Spike": 0.8,
    "Tech Debt": 1.0,
    "Risk": 0.7,
}
SHARE = {"Story": 48, "Feature": 6, "Bug": 22, "Enabler": 8, "Spike": 4, "Tech Debt": 9, "Risk": 3}
REWORK = 1.12
HOURS_PER_ITEM = (
    REWORK
    * sum(median * exp(sigma**2 / 2) for median, sigma in SERVICE.values())
    * sum(EFFORT[name] * share for name, share in SHARE.items())
    / sum(SHARE.values())
)
"""Mean hours of work that an item takes."""

MISHAPS = {
    DEVELOP: {"block": 0.13, "cancel": 0.035, "move": 0.02, "put_back": 0.025},
    REVIEW: {"block": 0.02},
    TEST: {"block": 0.06, "fail": 0.06, "cancel": 0.005},
}
"""The chance of each interruption of the work on an item, by stage."""
REOPENED, NEVER_STARTED, DELETED, RETYPED = 0.04, 0.012, 0.015, 0.012

BLOCKED_HOURS = (6.0, 0.9)
HOURS_TO_REOPEN, HOURS_TO_REFINE, HOURS_BETWEEN_SURGES = 14.0, 25.0, 130.0

REASONS = ("waiting for another team", "waiting for a supplier", "test environment is down",
           "open question to the product owner", "needs a security decision")  # fmt: skip
VERBS = ("Add", "Show", "Validate", "Speed up", "Simplify", "Log", "Retry", "Import", "Export", "Replace")
THINGS = ("address form", "audit trail", "batch job", "currency rates", "customer export", "error page",
          "filter", "login", "monthly report", "order list", "price rules", "rate limit",
          "search", "status mail")  # fmt: skip


class Simulation:
    """The teams, their queues and an agenda of future happenings."""

    def __init__(self, squads: list[Squad], rng: Random, clock: WorkClock) -> None:
        self._squads, self._rng, self._clock = squads, rng, clock
        self._now = 0.0
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._turn, self._numbers, self._sequence = count(), count(10_001), count(1)
        self._events: list[tuple[datetime, dict[str, Any]]] = []

    def run(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Yield events with their times, without end."""
        for squad in self._squads:
            squad.queues = {stage: deque() for stage in QUEUES}
            self._later(self._wait(1 / squad.arrivals), self._arrive, squad)
            self._later(self._wait(HOURS_BETWEEN_SURGES), self._surge, squad)
        while True:
            self._now, _, happen, args = heapq.heappop(self._agenda)
            happen(*args)
            yield from self._events
            self._events.clear()

    # Arrivals

    def _arrive(self, squad: Squad) -> None:
        ticket = self._create(squad, self._pick(SHARE))
        squad.queues[TO_DO].append(ticket)
        self._plan_surprises(ticket)
        self._pull(squad)
        self._later(self._wait(1 / squad.arrivals), self._arrive, squad)

    def _create(self, squad: Squad, item_type: str) -> Ticket:
        ticket = Ticket(next(self._numbers), squad, item_type)
        self._emit(
            ticket,
            key=f"{squad.project}-{ticket.number - 10_000}",
            title=f"{self._rng.choice(VERBS)} {self._rng.choice(THINGS)}",
            state=squad.tracker.stages[TO_DO],
            item_type=item_type,
            project=squad.project,
            team=squad.name,
            component=squad.component,
            points=self._rng.choice((1, 2, 3, 5, 8)),
        )
        return ticket

    def _plan_surprises(self, ticket: Ticket) -> None:
        for chance, hours, happen in (
            (NEVER_STARTED, 4.0, self._drop),
            (DELETED, 4.0, self._delete),
            (RETYPED, 8.0, self._retype),
        ):
            if self._rng.random() < chance:
                self._later(self._wait(hours), happen, ticket)

    def _surge(self, squad: Squad) -> None:
        """Either create defects that are started at once, or send half the team away."""
        if self._rng.random() < 0.5:
            for _ in range(self._rng.randint(3, 3 + squad.workers)):
                ticket = self._create(squad, "Bug")
                squad.free -= 1
                self._work(ticket)
        else:
            away = (squad.workers + 1) // 2
            squad.free -= away
            self._later(self._rng.uniform(12, 40), self._come_back, squad, away)
        self._later(self._wait(HOURS_BETWEEN_SURGES), self._surge, squad)

    def _come_back(self, squad: Squad, workers: int) -> None:
        squad.free += workers
        self._pull(squad)

    # Work

    def _pull(self, squad: Squad) -> None:
        while squad.free > 0 and (ticket := self._next(squad)) is not None:
            squad.free -= 1
            self._work(ticket)

    def _next(self, squad: Squad) -> Ticket | None:
        if squad.resumed:
            return squad.resumed.popleft()
        crowded = len(squad.queues[TO_REVIEW]) + len(squad.queues[TO_TEST]) >= squad.workers
        order = QUEUES if self._rng.random() < squad.discipline or crowded else QUEUES[::-1]
        return next((squad.queues[stage].popleft() for stage in order if squad.queues[stage]), None)

    def _work(self, ticket: Ticket) -> None:
        if ticket.left == 0.0:
            self._enter(ticket, ticket.stage + 1)
            ticket.left = self._hours(*SERVICE[ticket.stage]) * EFFORT[ticket.item_type]
        mishap = self._mishap(ticket.stage)
        if mishap is None:
            self._later(ticket.left, self._finish_stage, ticket)
        else:
            hours = ticket.left * self._rng.uniform(0.1, 0.9)
            ticket.left -= hours
            self._later(hours, self._interrupt, ticket, mishap)

    def _finish_stage(self, ticket: Ticket) -> None:
        squad = ticket.squad
        ticket.left = 0.0
        self._enter(ticket, ticket.stage + 1)
        if ticket.stage != DONE:
            squad.queues[ticket.stage].append(ticket)
        elif self._rng.random() < REOPENED:
            self._later(self._wait(HOURS_TO_REOPEN), self._rework, ticket)
        self._come_back(squad, 1)

    def _enter(self, ticket: Ticket, stage: int) -> None:
        ticket.stage = stage
        ticket.ended = stage == DONE
        self._emit(ticket, state=ticket.squad.tracker.stages[stage])

    def _resume(self, ticket: Ticket) -> None:
        ticket.squad.resumed.append(ticket)
        self._pull(ticket.squad)

    def _rework(self, ticket: Ticket) -> None:
        self._enter(ticket, DEVELOP)
        ticket.left = 0.4 * self._hours(*SERVICE[DEVELOP])
        self._resume(ticket)

    # Interruptions: they free the worker for other items.

    def _interrupt(self, ticket: Ticket, mishap: str) -> None:
        squad = ticket.squad
        if mishap == "block":
            self._emit(ticket, blocked=True, blocked_reason=self._rng.choice(REASONS))
            self._later(self._hours(*BLOCKED_HOURS), self._unblock, ticket)
        elif mishap == "cancel":
            self._cancel(ticket)
        elif mishap == "put_back":
            self._put_back(ticket)
        elif mishap == "move":
            self._move(ticket)
        else:
            self._rework(ticket)
        self._come_back(squad, 1)

    def _unblock(self, ticket: Ticket) -> None:
        self._emit(ticket, blocked=False)
        self._resume(ticket)

    def _cancel(self, ticket: Ticket) -> None:
        ticket.ended = True
        self._emit(ticket, state=ticket.squad.tracker.cancelled)

    def _put_back(self, ticket: Ticket) -> None:
        ticket.stage, ticket.left = TO_DO, 0.0
        self._emit(ticket, state=ticket.squad.tracker.backlog)
        self._later(self._wait(HOURS_TO_REFINE), self._refine, ticket)

    def _refine(self, ticket: Ticket) -> None:
        self._emit(ticket, state=ticket.squad.tracker.stages[TO_DO])
        ticket.squad.queues[TO_DO].append(ticket)
        self._pull(ticket.squad)

    def _move(self, ticket: Ticket) -> None:
        """Move the item to another team of the same tracker, usually of the same ART."""
        old = ticket.squad
        others = [squad for squad in self._squads if squad is not old and squad.tracker is old.tracker]
        near = [squad for squad in others if squad.art == old.art]
        ticket.squad = self._rng.choice(near if self._rng.random() < 0.6 else others)
        self._emit(ticket, team=ticket.squad.name, component=ticket.squad.component)
        self._resume(ticket)

    # Surprises: they happen at any stage of the item, and have no effect if they come too late.

    def _drop(self, ticket: Ticket) -> None:
        if self._remove_from_queue(ticket):
            self._cancel(ticket)

    def _delete(self, ticket: Ticket) -> None:
        if self._remove_from_queue(ticket):
            ticket.ended = True
            self._emit(ticket, "flow.item.deleted")

    def _retype(self, ticket: Ticket) -> None:
        if not ticket.ended:
            ticket.item_type = "Story" if ticket.item_type == "Bug" else "Bug"
            self._emit(ticket, item_type=ticket.item_type)

    def _remove_from_queue(self, ticket: Ticket) -> bool:
        """Remove the item from the queue in which it waits. Returns whether it waited in one."""
        queue = ticket.squad.queues.get(ticket.stage, ())
        if ticket not in queue:
            return False
        ticket.squad.queues[ticket.stage].remove(ticket)
        return True

    # Chance, agenda, events

    def _wait(self, mean_hours: float) -> float:
        return self._rng.expovariate(1 / mean_hours)

    def _hours(self, median: float, sigma: float) -> float:
        return self._rng.lognormvariate(log(median), sigma)

    def _pick(self, shares: dict[str, int]) -> str:
        return self._rng.choices(list(shares), list(shares.values()))[0]

    def _mishap(self, stage: int) -> str | None:
        roll = self._rng.random()
        for mishap, chance in MISHAPS[stage].items():
            if roll < chance:
                return mishap
            roll -= chance
        return None

    def _later(self, hours: float, happen: Callable[..., None], *args: Any) -> None:
        heapq.heappush(self._agenda, (self._now + hours, next(self._turn), happen, args))

    def _emit(self, ticket: Ticket, event_type: str = "flow.item.changed", **changes: Any) -> None:
        time = self._clock.at(self._now)
        sequence = next(self._sequence)
        source = ticket.squad.tracker.source
        event = {
            "specversion": "1.0",
            "id": f"{source}:{ticket.number}:{sequence}",
            "source": source,
            "type": event_type,
            "time": time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "sequence": f"{sequence:012}",
            "data": {"item": str(ticket.number), **changes},
        }
        self._events.append((time, event))
