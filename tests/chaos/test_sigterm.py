"""SIGTERM at some random moments on a real Kafka. `make chaos` has two hundred."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.moments import SCENARIOS, WORKERS, draw
from tests.chaos.sigterm import run

MOMENTS = 24


def test_the_scenarios_take_turns_and_nobody_is_told_before_the_round_begins() -> None:
    chance = random.Random(1)
    plans = [draw(chance, number) for number in range(200)]
    assert [plan.scenario for plan in plans[: len(SCENARIOS)]] == list(SCENARIOS)
    for plan in plans:
        for number in range(WORKERS):
            assert 0 <= (plan.silent[number] or 0) <= plan.told[number] + 0.001
        assert plan.paused is None or 0 <= plan.paused <= min(plan.told)
    assert any(plan.paused is not None for plan in plans)
    assert any(any(plan.silent) for plan in plans)


@pytest.mark.kafka
def test_a_worker_that_is_told_to_end_does_so_and_shows_nothing_any_more(tmp_path: Path) -> None:
    assert run(1, MOMENTS, tmp_path), "see the run's own account above"
