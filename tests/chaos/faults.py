"""The faults of a run and their times: drawn from a seed, and known in full before the run begins."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.supervisor import STOP_MARGIN, STOP_SECONDS

KAFKA = "kafka"
# A run begins without faults for this long, so that workers start on a working system.
PEACE = 8.0
PAUSE, CALM, CALM_SHARE = 6.0, 30.0, 0.2


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its weight in the draw, and how long it lasts.

    `after` is for how long its target has no other fault afterwards. All times are in seconds.
    """

    name: str
    target: str
    weight: float
    shortest: float = 0.0
    longest: float = 0.0
    after: float = 1.0

    def draw_length(self, chance: random.Random) -> float:
        """Draw how long it lasts: most are short, so that workers show numbers in between, and some are long."""
        if not self.longest:
            return 0.0
        length: float = self.shortest * (self.longest / self.shortest) ** chance.random()
        return length


# A target has one fault at a time. Topics are changed and poison is written only while Kafka works.
KINDS = (
    Kind("falls silent", "proxy", 3, 2, 60),
    Kind("falls silent towards Kafka", "proxy", 1, 2, 60),
    Kind("falls silent towards the worker", "proxy", 1, 2, 60),
    Kind("is cut", "proxy", 2, 1, 45),
    Kind("delays", "proxy", 2, 5, 30),
    Kind("is killed", "worker", 2),
    Kind("is told to end", "worker", 2, after=STOP_SECONDS + STOP_MARGIN + 2.0),
    Kind("is stopped", "worker", 2, 2, 40),
    Kind("is killed", KAFKA, 1, 0.5, 10),
    Kind("is stopped", KAFKA, 1, 2, 45),
    Kind("loses the items topic", KAFKA, 1.5, 0.1, 6),
    Kind("loses the oldest items", KAFKA, 1.5),
    Kind("gets bad JSON", KAFKA, 0.7),
    Kind("gets 30 MB of compressed spaces", KAFKA, 0.7),
    Kind("gets a deep list in items", KAFKA, 0.7),
    Kind("gets a junk row in histories", KAFKA, 0.7),
)


@dataclass(frozen=True)
class Fault:
    """A fault that begins `at` seconds after the run's beginning. `number` is that of the worker or proxy.

    `share` is a number from 0 to 1, for example for how slow or how much.
    """

    at: float
    kind: Kind
    number: int
    lasts: float
    share: float

    @property
    def target(self) -> str:
        """The target, which has no other fault meanwhile."""
        return KAFKA if self.kind.target == KAFKA else f"{self.kind.target} {self.number}"

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.target} {self.kind.name}{lasts}"


def draw(chance: random.Random, seconds: float, workers: int) -> Sequence[Fault]:
    """Draw the faults of a run in the order of their beginnings. All of them end before the run does."""
    faults: list[Fault] = []
    free: dict[str, float] = {}
    at = PEACE
    while at < seconds:
        kind = chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
        lasts = min(kind.draw_length(chance), seconds - at)
        fault = Fault(at, kind, chance.randrange(workers), lasts, chance.random())
        if free.get(fault.target, 0.0) <= at:
            faults.append(fault)
            free[fault.target] = at + fault.lasts + kind.after
            at += CALM if chance.random() < CALM_SHARE else chance.expovariate(1 / PAUSE)
        else:
            at += 0.5
    return faults
