"""The parts of the simulation at the teams: trackers, teams, their items, and the stages of an item."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from stream.demo.kanbans import Initiative

TO_DO, DEVELOP, TO_REVIEW, REVIEW, TO_TEST, TEST, DONE = range(7)
QUEUES = (TO_TEST, TO_REVIEW, TO_DO)
"""Stages in which items wait. A team pulls items that are nearly finished first."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """A source of events and the names of its states, in the order in which an item passes them."""

    source: str
    stages: tuple[str, ...]
    backlog: str
    cancelled: str


JIRA = Tracker(
    "demo/jira",
    ("To Do", "In Progress", "Ready for Review", "In Review", "Ready for Test", "In Test", "Done"),
    "Backlog",
    "Won't Do",
)
AZURE = Tracker(
    "demo/azure-devops",
    (
        "Committed",
        "Implementing",
        "Awaiting Approval",
        "Approving",
        "Awaiting Roll-out",
        "Rolling Out",
        "Resolved",
    ),
    "Proposed",
    "Removed",
)
TRACKERS = {"Payments": JIRA, "Customer": JIRA, "Platform": AZURE}


@dataclass(slots=True, eq=False)
class Ticket:
    """An item of work, of a feature or of none. `left` is the hours of work that an interrupted stage still needs."""

    number: int
    squad: Squad
    item_type: str
    feature: Initiative | None = None
    points: int | None = None
    stage: int = TO_DO
    left: float = 0.0
    ended: bool = False


@dataclass(slots=True)
class Squad:
    """A team at work.

    - `free`: how many of its `workers` wait for an item to pull; below 0, some work on two items.
    - `arrivals`: new items in each hour of work, beside the features' stories.
    - `discipline`: the chance that items that are nearly finished are pulled before new ones.
    """

    name: str
    art: str
    tracker: Tracker
    workers: int
    arrivals: float
    discipline: float
    free: int = 0
    queues: dict[int, deque[Ticket]] = field(default_factory=dict)
    resumed: deque[Ticket] = field(default_factory=deque)

    @property
    def component(self) -> str:
        """The tracker's name for the team's part of the product."""
        return self.name.lower().replace(" ", "-")

    @property
    def project(self) -> str:
        """The ART's project in the tracker."""
        return project(self.art)


def project(name: str) -> str:
    """Return the project of an ART, a value stream or the portfolio in its tracker."""
    return name[:3].upper()
