"""How ARTs, value streams and the portfolio work on features and epics.

Each has a Kanban system: an idea is analysed, and waits until there is room. Then it is divided into children, of which
a few are under way at once. It starts when its first child starts. Some time after its last child has ended it is
validated, and then released. Some are rejected, blocked, or grow on the way.
"""

from __future__ import annotations

from functools import partial

from stream.demo.agenda import Agenda, key
from stream.demo.kanbans import (
    ANALYSING,
    AWAITING_RELEASE,
    FUNNEL,
    IMPLEMENTING,
    READY,
    REJECTED,
    RELEASED,
    VALIDATING,
    Initiative,
    Kanban,
)

VERBS = ("Open", "Renew", "Automate", "Merge", "Simplify", "Measure", "Secure", "Offer")
THINGS = ("account in minutes", "back office", "consent", "data exchange", "instant payments", "loyalty programme",
          "one customer view", "partner access", "price model", "self-service", "supplier portal")  # fmt: skip
REASONS = ("a supplier is late", "a legal question is open", "waiting for another ART", "the budget is not released")

UNESTIMATED = 0.12
"""The chance that nobody estimates a feature."""

HOURS_BETWEEN_MOODS, HOURS_IN_FUNNEL, HOURS_TO_GATHER = 70.0, 12.0, 6.0
CHILDREN_FIRST = 0.75
"""The chance that what has a parent is preferred to what has waited longest."""


class Initiatives:
    """The features and epics of all Kanban systems."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def begin(self, kanban: Kanban, running: int) -> None:
        """Start a Kanban system in the middle of its life, with that many on the way and partly done already."""
        for _ in range(running):
            initiative = self.create(kanban, None)
            initiative.size = self._agenda.rng.randint(1, initiative.size)
            kanban.running += 1
            self._agenda.later(self._agenda.wait(HOURS_TO_GATHER), self._release, initiative)
        self._change_appetite(kanban)

    def create(self, kanban: Kanban, parent: Initiative | None) -> Initiative:
        """Put a new one into the funnel."""
        agenda, pace = self._agenda, kanban.pace
        size = agenda.rng.randint(*pace.size)
        initiative = Initiative(agenda.number(), kanban, agenda.pick(pace.types), size, parent)
        agenda.emit(
            kanban.source,
            initiative.number,
            key=key(kanban.project, initiative.number),
            title=f"{agenda.rng.choice(VERBS)} {agenda.rng.choice(THINGS)}",
            state=FUNNEL,
            item_type=initiative.item_type,
            project=kanban.project,
            parent=parent and str(parent.number),
        )
        return initiative

    def divide(self, trains: list[Kanban], epic: Initiative, size: int) -> list[partial[None]]:
        """Make features of an epic in the funnels of some of these ARTs. Returns what takes up each."""
        rng = self._agenda.rng
        chosen = rng.choices(rng.sample(trains, rng.randint(1, min(3, len(trains)))), k=size)
        return [partial(self.take_up, self.create(train, epic)) for train in chosen]

    def take_up(self, initiative: Initiative) -> None:
        """Plan its analysis."""
        initiative.kanban.coming += 1
        self._agenda.later(self._agenda.wait(HOURS_IN_FUNNEL), self._analyse, initiative)

    def _analyse(self, initiative: Initiative) -> None:
        self._enter(initiative, ANALYSING)
        self._agenda.later(self._agenda.hours(*initiative.kanban.pace.analysis), self._decide, initiative)

    def _decide(self, initiative: Initiative) -> None:
        kanban = initiative.kanban
        if self._agenda.happens(kanban.pace.rejected):
            kanban.coming -= 1
            self._end(initiative, REJECTED)
        else:
            self._enter(initiative, READY, points=self._estimate(initiative))
            kanban.ready.append(initiative)
            self._pull(kanban)

    def _estimate(self, initiative: Initiative) -> int | None:
        """Return the sum that people expect of the children, in fives; some are never estimated."""
        per_child = initiative.kanban.pace.points_per_child
        if per_child is None or self._agenda.happens(UNESTIMATED):
            return None
        return 5 * max(1, round(initiative.size * per_child * self._agenda.rng.uniform(0.7, 1.2) / 5))

    def _pull(self, kanban: Kanban) -> None:
        while kanban.ready and kanban.running < kanban.appetite:
            chosen = self._next(kanban)
            kanban.ready.remove(chosen)
            kanban.coming -= 1
            kanban.running += 1
            self._release(chosen)
        self._replenish(kanban)

    def _next(self, kanban: Kanban) -> Initiative:
        oldest = kanban.ready[0]
        if self._agenda.happens(CHILDREN_FIRST):
            return next((each for each in kanban.ready if each.parent), oldest)
        return oldest

    def _replenish(self, kanban: Kanban) -> None:
        while kanban.coming < max(2, kanban.limit // 2):
            self.take_up(self.create(kanban, None))

    def _change_appetite(self, kanban: Kanban) -> None:
        kanban.appetite = kanban.limit * self._agenda.rng.uniform(*kanban.pace.appetite)
        self._pull(kanban)
        self._agenda.later(self._agenda.wait(HOURS_BETWEEN_MOODS), self._change_appetite, kanban)

    # On the way

    def _release(self, initiative: Initiative) -> None:
        """Divide it into children, and open the first of them."""
        if initiative.state == FUNNEL:
            self._enter(initiative, READY, points=self._estimate(initiative))
        initiative.waiting.extend(initiative.kanban.divide(initiative, initiative.size))
        self._open_children(initiative)

    def _open_children(self, initiative: Initiative) -> None:
        while initiative.waiting and initiative.under_way < initiative.kanban.pace.together:
            initiative.under_way += 1
            initiative.waiting.popleft()()

    def child_started(self, initiative: Initiative) -> None:
        """Start it with its first child."""
        if initiative.state != READY:
            return
        self._enter(initiative, IMPLEMENTING)
        self._plan_block(initiative)
        if initiative.parent is not None:
            self.child_started(initiative.parent)

    def child_ended(self, initiative: Initiative) -> None:
        """Open a further child, or close it after its last."""
        initiative.under_way -= 1
        if self._agenda.happens(initiative.kanban.pace.grows):
            initiative.waiting.extend(initiative.kanban.divide(initiative, 1))
        self._go_on(initiative)

    def _go_on(self, initiative: Initiative) -> None:
        if initiative.blocked:
            return
        self._open_children(initiative)
        if initiative.under_way == 0:
            self._agenda.later(self._agenda.hours(*initiative.kanban.pace.closing), self._validate, initiative)

    def _plan_block(self, initiative: Initiative) -> None:
        self._agenda.later(self._agenda.wait(initiative.kanban.pace.until_blocked), self._block, initiative)

    def _block(self, initiative: Initiative) -> None:
        """Open no further child until it is unblocked. What is closed by then is not blocked."""
        if initiative.state != IMPLEMENTING or initiative.under_way == 0:
            return
        initiative.blocked = True
        self._emit(initiative, blocked=True, blocked_reason=self._agenda.rng.choice(REASONS))
        self._agenda.later(self._agenda.hours(*initiative.kanban.pace.blockage), self._unblock, initiative)

    def _unblock(self, initiative: Initiative) -> None:
        initiative.blocked = False
        self._emit(initiative, blocked=False)
        self._plan_block(initiative)
        self._go_on(initiative)

    # The end

    def _validate(self, initiative: Initiative) -> None:
        if initiative.state == READY:  # no child ever started
            initiative.kanban.running -= 1
            self._end(initiative, REJECTED)
            return
        self._enter(initiative, VALIDATING)
        self._agenda.later(self._agenda.hours(*initiative.kanban.pace.validation), self._await_release, initiative)

    def _await_release(self, initiative: Initiative) -> None:
        self._enter(initiative, AWAITING_RELEASE)
        self._agenda.later(self._agenda.hours(*initiative.kanban.pace.release), self._finish, initiative)

    def _finish(self, initiative: Initiative) -> None:
        initiative.kanban.running -= 1
        self._end(initiative, RELEASED)

    def _end(self, initiative: Initiative, state: str) -> None:
        self._enter(initiative, state)
        if initiative.parent is not None:
            self.child_ended(initiative.parent)
        self._pull(initiative.kanban)

    def _enter(self, initiative: Initiative, state: str, *, points: int | None = None) -> None:
        initiative.state = state
        self._emit(initiative, state=state, points=points)

    def _emit(self, initiative: Initiative, **changes: object) -> None:
        self._agenda.emit(initiative.kanban.source, initiative.number, **changes)
