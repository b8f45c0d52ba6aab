"""Flow predictability: whether plans hold (SAFe: "how well teams and ARTs plan and meet their PI objectives").

Predictability = actual / planned business value of a PI. Planned counts the committed objectives only, actual counts
all, so more than 1 is possible. Reliable is 0.8 to 1. The projected value is the actual one if each committed objective
that is not assessed yet achieves its planned value.

>>> predictability([(True, 10_000_000, 8_000_000), (True, 10_000_000, None), (False, 5_000_000, 3_000_000)])
Predictability(planned=20.0, actual=11.0, projected=21.0)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stream.items.points import MILLION

Value = tuple[bool, int, int | None]
MAX_INCREMENTS = 100


class Predictability(NamedTuple):
    """The business values of a node in a PI."""

    planned: float
    actual: float
    projected: float

    @property
    def ratio(self) -> float | None:
        """Actual / planned; None if nothing is planned."""
        return _share(self.actual, self.planned)

    @property
    def projected_ratio(self) -> float | None:
        """Projected / planned; None if nothing is planned."""
        return _share(self.projected, self.planned)


def _share(value: float, planned: float) -> float | None:
    # In whole millionths, since 2.4 / 3 is a little less than 0.8 in floating point.
    return round(value * MILLION) / round(planned * MILLION) if planned else None


def predictability(objectives: Iterable[Value]) -> Predictability:
    """Sum objectives, each given as (committed, planned, actual or None), with values in millionths."""
    planned = achieved = projected = 0
    for committed, plan, actual in objectives:
        promised = plan if committed else 0
        planned += promised
        achieved += actual or 0
        projected += promised if actual is None else actual
    return Predictability(planned / MILLION, achieved / MILLION, projected / MILLION)
