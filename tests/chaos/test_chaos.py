"""Short chaos runs on a real Kafka; `make chaos` is a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import run

pytestmark = pytest.mark.kafka

SECONDS = 45


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_number_is_wrong_at_any_moment(seed: int, tmp_path: Path) -> None:
    assert run(seed, SECONDS, tmp_path), "see the run's own account above"
