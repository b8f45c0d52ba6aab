"""Short chaos runs on a real Kafka. `make chaos` is a long one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.faults import KINDS, draw
from tests.chaos.run import WORKERS, run

SECONDS = 50
SEEDS = (0, 136, 272)


def test_the_short_runs_together_have_every_kind_of_fault() -> None:
    drawn = [fault.kind for seed in SEEDS for fault in draw(random.Random(seed), SECONDS, WORKERS)]
    assert set(drawn) == set(KINDS), "other seeds are needed: some combination has them all"


@pytest.mark.kafka
@pytest.mark.parametrize("seed", SEEDS)
def test_no_number_is_wrong_at_any_moment(seed: int, tmp_path: Path) -> None:
    assert run(seed, SECONDS, tmp_path), "see the run's own account above"
