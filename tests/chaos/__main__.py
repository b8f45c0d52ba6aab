"""`python -m tests.chaos --seconds 600 --seed 7`: a chaos run, which prints its report to stdout."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run


def main() -> int:
    """Run, and return the exit status: 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long faults go on (600)")
    parser.add_argument("--seed", type=int, default=None, help="what the faults are drawn from (random)")
    parser.add_argument("--keep", type=Path, help="a folder for the workers' logs, which else are removed")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    # The clients log every fault, and there are many.
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="flowgauge-chaos-") as folder:
        kept = options.keep or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        return 0 if run(seed, options.seconds, kept) else 1


if __name__ == "__main__":
    sys.exit(main())
