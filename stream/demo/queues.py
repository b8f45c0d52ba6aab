"""How the simulated teams work: a queueing network in hours of work.

Items arrive at random, stories with their features, and wait in `To Do`. A team's workers pull them through
development, review and test, each of which takes a lognormal time. Items are blocked, fail their test, or are reopened,
cancelled, deleted, moved to another team or put back. Sometimes an incident causes a burst of defects, or half a team
is away. Then the team exceeds its limit for a while.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from math import exp

from stream.demo.agenda import DELETED, Agenda
from stream.demo.initiatives import Initiatives
from stream.demo.kanbans import Initiative
from stream.demo.squads import DEVELOP, DONE, QUEUES, REVIEW, TEST, TO_DO, TO_REVIEW, TO_TEST, Squad, Ticket
from stream.demo.tickets import SHARE, create, divide, estimate_late

SERVICE = {DEVELOP: (8.5, 0.7), REVIEW: (1.3, 0.6), TEST: (3.4, 0.6)}
"""Median hours of work and sigma of their logarithm."""
EFFORT = {
    "Story": 1.0,
    "Bug": 0.6,
    "Enabler": 1.2,
    "Spike": 0.8,
    "Tech Debt": 1.0,
    "Risk": 0.7,
}
REWORK = 1.12
HOURS_PER_ITEM = (
    REWORK
    * sum(median * exp(sigma**2 / 2) for median, sigma in SERVICE.values())
    * sum(EFFORT[name] * share for name, share in SHARE.items())
    / sum(SHARE.values())
)
"""Mean hours of work that an item of no feature takes."""

MISHAPS = {
    DEVELOP: {"block": 0.13, "cancel": 0.035, "move": 0.02, "put_back": 0.025},
    REVIEW: {"block": 0.02},
    TEST: {"block": 0.06, "fail": 0.06, "cancel": 0.005},
}
"""The chance of each interruption of the work on an item, by stage."""
REOPENED, NEVER_STARTED, REMOVED, RETYPED = 0.04, 0.012, 0.015, 0.012

BLOCKED_HOURS = (9.0, 0.9)
HOURS_TO_REOPEN, HOURS_TO_REFINE, HOURS_BETWEEN_SURGES = 18.0, 35.0, 180.0

REASONS = ("waiting for another team", "waiting for a supplier", "test environment is down",
           "open question to the product owner", "needs a security decision")  # fmt: skip


class Teams:
    """The teams and their queues."""

    def __init__(self, squads: list[Squad], agenda: Agenda, initiatives: Initiatives) -> None:
        self._squads, self._agenda, self._initiatives = squads, agenda, initiatives

    def begin(self) -> None:
        """Plan the first arrival and the first surge of each team."""
        for squad in self._squads:
            squad.queues = {stage: deque() for stage in QUEUES}
            self._agenda.later(self._agenda.wait(1 / squad.arrivals), self._arrive, squad)
            self._agenda.later(self._agenda.wait(HOURS_BETWEEN_SURGES), self._surge, squad)

    # Arrivals

    def _arrive(self, squad: Squad) -> None:
        ticket = create(self._agenda, squad, self._agenda.pick(SHARE))
        squad.queues[TO_DO].append(ticket)
        self._plan_surprises(ticket)
        self._pull(squad)
        self._agenda.later(self._agenda.wait(1 / squad.arrivals), self._arrive, squad)

    def divide(self, squads: list[Squad], feature: Initiative, size: int) -> list[partial[None]]:
        """Make stories of a feature in the backlogs of some of these teams. Returns what takes up each."""
        return [partial(self._take_up, ticket) for ticket in divide(self._agenda, feature, squads, size)]

    def _take_up(self, ticket: Ticket) -> None:
        self._plan_surprises(ticket)
        self._refine(ticket)

    def _plan_surprises(self, ticket: Ticket) -> None:
        for chance, hours, happen in (
            (NEVER_STARTED, 4.0, self._drop),
            (REMOVED, 4.0, self._delete),
            (RETYPED, 8.0, self._retype),
        ):
            if self._agenda.happens(chance):
                self._agenda.later(self._agenda.wait(hours), happen, ticket)

    def _surge(self, squad: Squad) -> None:
        """Either create defects that are started at once, or send half the team away."""
        if self._agenda.happens(0.5):
            for _ in range(self._agenda.rng.randint(3, 3 + squad.workers)):
                ticket = create(self._agenda, squad, "Bug")
                squad.free -= 1
                self._work(ticket)
        else:
            away = (squad.workers + 1) // 2
            squad.free -= away
            self._agenda.later(self._agenda.rng.uniform(12, 40), self._come_back, squad, away)
        self._agenda.later(self._agenda.wait(HOURS_BETWEEN_SURGES), self._surge, squad)

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
        order = QUEUES if self._agenda.happens(squad.discipline) or crowded else QUEUES[::-1]
        return next((squad.queues[stage].popleft() for stage in order if squad.queues[stage]), None)

    def _work(self, ticket: Ticket) -> None:
        if ticket.left == 0.0:
            self._enter(ticket, ticket.stage + 1)
            ticket.left = self._agenda.hours(*SERVICE[ticket.stage]) * EFFORT[ticket.item_type]
        mishap = self._mishap(ticket.stage)
        if mishap is None:
            self._agenda.later(ticket.left, self._finish_stage, ticket)
        else:
            hours = ticket.left * self._agenda.rng.uniform(0.1, 0.9)
            ticket.left -= hours
            self._agenda.later(hours, self._interrupt, ticket, mishap)

    def _finish_stage(self, ticket: Ticket) -> None:
        squad = ticket.squad
        ticket.left = 0.0
        self._enter(ticket, ticket.stage + 1)
        if ticket.stage != DONE:
            squad.queues[ticket.stage].append(ticket)
        elif self._agenda.happens(REOPENED):
            self._agenda.later(self._agenda.wait(HOURS_TO_REOPEN), self._rework, ticket)
        else:
            self._leave_feature(ticket)
        self._come_back(squad, 1)

    def _enter(self, ticket: Ticket, stage: int) -> None:
        ticket.stage = stage
        ticket.ended = stage == DONE
        self._emit(ticket, state=ticket.squad.tracker.stages[stage])
        if stage == DEVELOP and ticket.feature is not None:
            self._initiatives.child_started(ticket.feature)

    def _leave_feature(self, ticket: Ticket) -> None:
        if ticket.feature is not None:
            self._initiatives.child_ended(ticket.feature)

    def _resume(self, ticket: Ticket) -> None:
        ticket.squad.resumed.append(ticket)
        self._pull(ticket.squad)

    def _rework(self, ticket: Ticket) -> None:
        self._enter(ticket, DEVELOP)
        ticket.left = 0.4 * self._agenda.hours(*SERVICE[DEVELOP])
        self._resume(ticket)

    # Interruptions: they free the worker for other items.

    def _interrupt(self, ticket: Ticket, mishap: str) -> None:
        squad = ticket.squad
        if mishap == "block":
            self._emit(ticket, blocked=True, blocked_reason=self._agenda.rng.choice(REASONS))
            self._agenda.later(self._agenda.hours(*BLOCKED_HOURS), self._unblock, ticket)
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
        self._leave_feature(ticket)

    def _put_back(self, ticket: Ticket) -> None:
        ticket.stage, ticket.left = TO_DO, 0.0
        self._emit(ticket, state=ticket.squad.tracker.backlog)
        self._agenda.later(self._agenda.wait(HOURS_TO_REFINE), self._refine, ticket)

    def _refine(self, ticket: Ticket) -> None:
        points = estimate_late(self._agenda, ticket)
        self._emit(ticket, state=ticket.squad.tracker.stages[TO_DO], points=points)
        ticket.squad.queues[TO_DO].append(ticket)
        self._pull(ticket.squad)

    def _move(self, ticket: Ticket) -> None:
        """Move the item to another team of the same tracker, usually of the same ART."""
        old = ticket.squad
        others = [squad for squad in self._squads if squad is not old and squad.tracker is old.tracker]
        near = [squad for squad in others if squad.art == old.art]
        ticket.squad = self._agenda.rng.choice(near if self._agenda.happens(0.6) else others)
        self._emit(ticket, team=ticket.squad.name, component=ticket.squad.component)
        self._resume(ticket)

    # Surprises: they happen at any stage of the item, and have no effect if they come too late.

    def _drop(self, ticket: Ticket) -> None:
        if self._remove_from_queue(ticket):
            self._cancel(ticket)

    def _delete(self, ticket: Ticket) -> None:
        if self._remove_from_queue(ticket):
            ticket.ended = True
            self._agenda.emit(ticket.squad.tracker.source, ticket.number, DELETED)
            self._leave_feature(ticket)

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

    def _mishap(self, stage: int) -> str | None:
        roll = self._agenda.rng.random()
        for mishap, chance in MISHAPS[stage].items():
            if roll < chance:
                return mishap
            roll -= chance
        return None

    def _emit(self, ticket: Ticket, **changes: object) -> None:
        self._agenda.emit(ticket.squad.tracker.source, ticket.number, **changes)
