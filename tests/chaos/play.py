"""Makes the faults happen at their times."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import aiokafka.errors
import kafka.errors

from tests.chaos.faults import KAFKA, Fault
from tests.chaos.journal import Journal
from tests.chaos.world import World

# A topic cannot be changed while Kafka is still starting. That fault is then skipped.
UNWELL = (aiokafka.errors.KafkaError, kafka.errors.KafkaError, TimeoutError)


def play(world: World, faults: Sequence[Fault], journal: Journal) -> None:
    """Begin each fault at its time and end it after its duration. Returns when all are over.

    Faults of one target happen one after another, those of several targets at the same time.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        lanes = {target: stack.enter_context(ThreadPoolExecutor(1)) for target in {fault.target for fault in faults}}
        played: list[Future[None]] = []
        for fault in faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            played.append(lanes[fault.target].submit(_one, world, fault, journal))
    for one in played:
        one.result()


def _one(world: World, fault: Fault, journal: Journal) -> None:
    journal.say(str(fault))
    try:
        world.begin(fault)
    except UNWELL as error:
        journal.say(f"{fault}: it could not ({type(error).__name__})")
    time.sleep(fault.lasts)
    world.end(fault)
    if fault.lasts or fault.target == KAFKA:
        journal.say(f"over: {fault}")
