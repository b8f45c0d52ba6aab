"""Features and epics: where they are planned, the states that they pass, and how they are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

FUNNEL, ANALYSING, READY, IMPLEMENTING = "Funnel", "Analysing", "Ready", "Implementing"
VALIDATING, AWAITING_RELEASE, RELEASED, REJECTED = "Validating", "Awaiting Release", "Released", "Rejected"

Hours = tuple[float, float]
"""The median of hours of work, and sigma of their logarithm."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How features, or epics, are worked on.

    - `types`: the shares of the item types.
    - `size`: the least and the greatest number of children; `together`: how many of them are under way at once.
    - `analysis`, `closing`, `validation`, `release`: how long each takes. `closing` follows the last child's end.
    - `rejected`, `grows`: the chances that the analysis says no, and that a child's end shows that one more is needed.
    - `until_blocked`: the mean hours on the way until one is blocked; `blockage` is how long that lasts.
    - `appetite`: the range of how many run at once, as a share of the limit.
    - `points_per_child`: the estimate's; without it, nobody estimates.
    """

    types: dict[str, int]
    size: tuple[int, int]
    together: int
    analysis: Hours
    closing: Hours
    validation: Hours
    release: Hours
    rejected: float
    until_blocked: float
    blockage: Hours
    grows: float
    appetite: tuple[float, float]
    points_per_child: float | None = None


FEATURES = Pace(
    types={"Feature": 82, "Enabler Feature": 18},
    size=(3, 12),
    together=6,
    analysis=(22.0, 0.7),
    closing=(2.0, 0.5),
    validation=(7.0, 0.7),
    release=(6.0, 0.8),
    rejected=0.1,
    until_blocked=220.0,
    blockage=(24.0, 0.9),
    grows=0.03,
    appetite=(0.6, 1.15),
    points_per_child=3.5,
)
EPICS = Pace(
    types={"Epic": 80, "Enabler Epic": 20},
    size=(4, 10),
    together=3,
    analysis=(70.0, 0.6),
    closing=(6.0, 0.5),
    validation=(20.0, 0.5),
    release=(10.0, 0.5),
    rejected=0.15,
    until_blocked=330.0,
    blockage=(50.0, 0.8),
    grows=0.03,
    appetite=(0.6, 1.08),
)


@dataclass(slots=True, eq=False)
class Initiative:
    """A feature or an epic. `waiting` opens its further children, one each; `under_way` of them are open now."""

    number: int
    kanban: Kanban
    item_type: str
    size: int
    parent: Initiative | None
    state: str = FUNNEL
    blocked: bool = False
    under_way: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class Kanban:
    """Where an ART plans its features, or a value stream or the portfolio its epics.

    - `divide`: makes a number of children of an initiative, and returns what opens each.
    - `appetite`: how many it lets run at present; it varies around the `limit`.
    - `running`: how many it has released to those below; `coming`: how many are analysed or `ready`.
    """

    source: str
    project: str
    limit: int
    pace: Pace
    divide: Callable[[Initiative, int], Iterable[Callable[[], None]]]
    appetite: float = 0.0
    running: int = 0
    coming: int = 0
    ready: list[Initiative] = field(default_factory=list)
