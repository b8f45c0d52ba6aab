"""Numbers of nodes for the tests of the feed."""

from __future__ import annotations

from typing import Any

from stream.events.event import DAY
from stream.flow.boards import Boards
from stream.flow.goals import MeasuredTarget
from stream.flow.load import Ages
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers, Reading
from tests.flow.material import configured

CARDS = Node("team", "Payments", "Checkout", "Cards", "all")
CREDIT = Node("team", "Lending", "Loans", "Credit", "all")
PORTFOLIO = Node("portfolio", backlog="all")
# As keys of the feed have them.
CARDS_KEY = ("team", "all", "Payments", "Checkout", "Cards")
CREDIT_KEY = ("team", "all", "Lending", "Loans", "Credit")
PORTFOLIO_KEY = ("portfolio", "all")
AT = 20_000 * DAY
EMPTY = Reading(configured(), Boards(configured(), lambda _: 0)).read(AT)[0]


def team(load: int = 0, node: Node = CARDS, **others: Any) -> NodeNumbers:
    met = MeasuredTarget("focus", "load", None, 2.0, load, load <= 2)
    return EMPTY._replace(**{"node": node, "load": load, "limit": 2, "targets": (met,) * (node == CARDS), **others})


def begun(start: int) -> Ages:
    return Ages(1, start, ((start, start, 0.0),) * 3, start)
