"""`python -m tests.chaos.sigterm --moments 200`: tells workers to end at random moments, and prints a report."""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos.journal import Journal
from tests.chaos.moments import WORKERS, draw
from tests.chaos.stopping import Lane, Stop
from tests.kafka.broker import Broker

LANES = 2


def run(seed: int, moments: int, folder: Path, lanes: int = LANES) -> bool:
    """Tell workers to end at this many moments, and print a report. Return whether nothing was wrong."""
    journal = Journal()
    journal.say(f"seed {seed}: SIGTERM at {moments} moments")
    numbers = itertools.count()
    stops: list[Stop] = []

    def play(lane: int) -> None:
        chance = random.Random(f"{seed}/{lane}")
        home = folder / f"lane{lane}"
        home.mkdir()
        with Broker(proxied=WORKERS) as broker:
            ground = Lane(broker, home)
            while _count(stops) < moments:
                for stop in ground.play(draw(chance, next(numbers))):
                    stops.append(stop)
                    _tell(journal, stop)

    with ThreadPoolExecutor(lanes) as pool:
        for done in [pool.submit(play, lane) for lane in range(lanes)]:
            done.result()
    for line in _account(stops):
        journal.say(line)
    return not journal.violations


def _count(stops: list[Stop]) -> int:
    return sum(stop.took is not None for stop in stops)


def _tell(journal: Journal, stop: Stop) -> None:
    took = "had ended before" if stop.took is None else f"ended in {stop.took:.1f} s"
    if stop.wrong:
        journal.violate(str(stop.plan), f"{took}: {stop.wrong}")
    else:
        journal.say(f"{stop.plan}: {took}")


def _account(stops: list[Stop]) -> Iterator[str]:
    by_plan: dict[str, list[Stop]] = defaultdict(list)
    for stop in stops:
        by_plan[str(stop.plan)].append(stop)
    for name, many in sorted(by_plan.items()):
        took = [stop.took for stop in many if stop.took is not None]
        wrong = sum(bool(stop.wrong) for stop in many)
        longest = f", the longest {max(took):.1f} s" if took else ""
        yield f"{name}: {len(took)} moments{longest}, {wrong} wrong"
    yield f"{_count(stops)} moments, {sum(bool(stop.wrong) for stop in stops)} wrong"


def main() -> int:
    """Run, and return the exit status: 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.sigterm", description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="how many workers are told to end (200)")
    parser.add_argument("--seed", type=int, default=None, help="what the moments are drawn from (random)")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="flowgauge-sigterm-") as folder:
        return 0 if run(seed, options.moments, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
