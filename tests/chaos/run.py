"""A chaos run: workers, a producer, observers, faults one after another, and a final check of all numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.ending import settle, start_again
from tests.chaos.faults import draw
from tests.chaos.journal import Journal
from tests.chaos.ledger import Ledger
from tests.chaos.observer import Observer
from tests.chaos.organisation import CLOCK, FLOW_YAML
from tests.chaos.play import play
from tests.chaos.producer import Producer
from tests.chaos.report import report
from tests.chaos.supervisor import Supervisor
from tests.chaos.truth import replayed
from tests.chaos.world import World
from tests.kafka.broker import Broker
from tests.kafka.worker import Deployment, Worker

WORKERS = 3
EVENTS_PARTITIONS = 4


def run(seed: int, seconds: float, folder: Path) -> bool:
    """Run with faults for this many seconds, and print a report. Return whether nothing was violated.

    All random choices come from the seed; timing still varies. `folder` is for logs.
    """
    journal, chance = Journal(), random.Random(seed)
    faults = draw(chance, seconds, WORKERS)
    items_partitions = chance.choice((1, 2, 2))
    journal.say(f"seed {seed}: {len(faults)} faults in {seconds:.0f} s, partitions of items: {items_partitions}")
    ledger = Ledger()
    with Broker(proxied=WORKERS) as broker, ExitStack() as stack:
        deployment = Deployment(broker, "chaos.", folder, EVENTS_PARTITIONS, items_partitions)
        deployment.create_topics()
        supervisors = stack.enter_context(_supervised(deployment, journal))
        observers = [Observer(supervisor, ledger, journal) for supervisor in supervisors]
        with ExitStack() as looking:
            for observer in observers:
                looking.enter_context(observer)
            with Producer(broker.bootstrap, deployment.topic("events"), EVENTS_PARTITIONS, ledger, journal, chance):
                play(World(deployment, supervisors), faults, journal)
            if ledger.missing:
                journal.violate("the test itself", f"Kafka has not acknowledged {ledger.missing} events")
            expected = replayed(ledger.changes)
            journal.say(f"all faults are over; Kafka has acknowledged {len(ledger.changes)} events")
            settled = settle(journal, [supervisor.worker for supervisor in supervisors], expected)
        if settled:
            start_again(journal, supervisors, expected)
        report(journal, supervisors, observers)
    return not journal.violations


@contextmanager
def _supervised(deployment: Deployment, journal: Journal) -> Iterator[Sequence[Supervisor]]:
    """Keep the workers running, each behind its own proxy."""
    config = deployment.config(FLOW_YAML)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                Supervisor(
                    Worker(
                        deployment,
                        config,
                        clock=CLOCK.isoformat(),
                        name=f"worker {number}",
                        bootstrap=proxy.address,
                    ),
                    journal,
                )
            )
            for number, proxy in enumerate(deployment.broker.proxies)
        ]
