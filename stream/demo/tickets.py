"""The items of the simulated teams as they begin: their types, titles and points."""

from __future__ import annotations

from stream.demo.agenda import Agenda, key
from stream.demo.kanbans import Initiative
from stream.demo.squads import TO_DO, Squad, Ticket

SHARE = {"Story": 20, "Bug": 40, "Enabler": 8, "Spike": 6, "Tech Debt": 18, "Risk": 8}
"""Of the items that belong to no feature."""

STORIES = {
    "Feature": {"Story": 84, "Enabler": 8, "Spike": 4, "Risk": 4},
    "Enabler Feature": {"Enabler": 70, "Spike": 10, "Tech Debt": 20},
}
"""Of the items of a feature, by its type."""

POINTS = (1, 2, 3, 5, 8)
UNESTIMATED = {"Bug": 0.5, "Spike": 0.4}
SELDOM_UNESTIMATED, ESTIMATED_LATE = 0.08, 0.5
"""The chances that nobody has estimated an item of another type, and that somebody does so before it is started."""

VERBS = ("Add", "Show", "Validate", "Speed up", "Simplify", "Log", "Retry", "Import", "Export", "Replace")
THINGS = ("address form", "audit trail", "batch job", "currency rates", "customer export", "error page",
          "filter", "login", "monthly report", "order list", "price rules", "rate limit",
          "search", "status mail")  # fmt: skip


def create(
    agenda: Agenda, squad: Squad, item_type: str, feature: Initiative | None = None, *, state: str | None = None
) -> Ticket:
    """Make an item of a team, ready to be pulled unless another state is given."""
    ticket = Ticket(agenda.number(), squad, item_type, feature)
    if not agenda.happens(UNESTIMATED.get(item_type, SELDOM_UNESTIMATED)):
        ticket.points = agenda.rng.choice(POINTS)
    agenda.emit(
        squad.tracker.source,
        ticket.number,
        key=key(squad.project, ticket.number),
        title=f"{agenda.rng.choice(VERBS)} {agenda.rng.choice(THINGS)}",
        state=state or squad.tracker.stages[TO_DO],
        item_type=item_type,
        project=squad.project,
        team=squad.name,
        component=squad.component,
        points=ticket.points,
        parent=feature and str(feature.number),
    )
    return ticket


def divide(agenda: Agenda, feature: Initiative, squads: list[Squad], size: int) -> list[Ticket]:
    """Make the stories of a feature, in the backlogs of up to three teams of its ART."""
    chosen = agenda.rng.sample(squads, agenda.rng.randint(1, min(3, len(squads))))
    workers = [squad.workers for squad in chosen]
    types = STORIES[feature.item_type]
    return [
        create(agenda, squad, agenda.pick(types), feature, state=squad.tracker.backlog)
        for squad in agenda.rng.choices(chosen, workers, k=size)
    ]


def estimate_late(agenda: Agenda, ticket: Ticket) -> int | None:
    """Return the points that an unestimated item is given, if any."""
    if ticket.points is None and agenda.happens(ESTIMATED_LATE):
        ticket.points = agenda.rng.choice(POINTS)
        return ticket.points
    return None
