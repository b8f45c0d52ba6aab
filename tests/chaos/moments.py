"""Random moments at which workers are told to end, reproducible from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

WORKERS = 3
# Shares of rounds in which Kafka cannot be reached when the workers are told to end: for each by its proxy, or for all.
SILENT, PAUSED = 0.25, 0.15
# How long Kafka may have been out of reach by then; mostly it is much less.
LONGEST_TROUBLE = 30.0


@dataclass(frozen=True)
class Scenario:
    """The situation of the workers when they are told to end.

    `ready` workers are started and ready before the round begins. The others start with it, and `killed` of the ready
    ones are killed then. Each is told to end between `earliest` and `latest`: in seconds from the beginning of the
    round, or with `reason` from when its `/ready` first gives this reason.
    """

    name: str
    ready: int
    earliest: float
    latest: float
    killed: int = 0
    reason: str = ""


SCENARIOS = (
    Scenario("start", 0, 0.0, 4.0),
    Scenario("start", 0, 0.0, 4.0),
    Scenario("rebalance: one joins", 2, 0.0, 6.0),
    Scenario("rebalance: one was killed", 3, 0.0, 2.0, killed=1),
    Scenario("rebalance: one was killed", 3, 18.0, 24.0, killed=1),
    Scenario("recovery", 0, 0.0, 1.0, reason="recovering"),
    Scenario("backlog", 0, 0.0, 1.5, reason="backlog"),
    Scenario("live", 3, 0.0, 3.0),
)


@dataclass(frozen=True)
class Plan:
    """One round: when each worker is told to end, and from when on it cannot reach Kafka, in seconds of the round.

    `silent` is for each worker, None if its network works. `paused` is when Kafka itself is paused, or None.
    """

    scenario: Scenario
    told: tuple[float, ...]
    silent: tuple[float | None, ...]
    paused: float | None

    @property
    def told_workers(self) -> range:
        """The workers that are told to end: all except the killed ones."""
        return range(self.scenario.killed, WORKERS)

    def __str__(self) -> str:
        if self.paused is not None:
            return f"{self.scenario.name}, Kafka stopped"
        return f"{self.scenario.name}, Kafka silent" if any(self.silent) else self.scenario.name


def draw(chance: random.Random, number: int) -> Plan:
    """Draw a round. The scenarios take turns."""
    scenario = SCENARIOS[number % len(SCENARIOS)]
    told = [chance.uniform(scenario.earliest, scenario.latest) for _ in range(WORKERS)]
    silent: list[float | None] = [None] * WORKERS
    paused = None
    kind = chance.random()
    if kind < SILENT:
        for worker in range(WORKERS):
            silent[worker] = told[worker] + 0.001
            told[worker] += LONGEST_TROUBLE * chance.random() ** 3
    elif kind < SILENT + PAUSED:
        paused = chance.uniform(0.0, min(told))
        told = [moment + LONGEST_TROUBLE * chance.random() ** 3 for moment in told]
    return Plan(scenario, tuple(told), tuple(silent), paused)
