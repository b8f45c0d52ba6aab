"""A worker that stood still must not write."""

from __future__ import annotations

import pytest

from stream.agents import pulse
from stream.errors import KafkaError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(pulse, "uptime", lambda: now[0])
    return now


def test_a_start_that_takes_long_is_no_standstill(clock: list[float]) -> None:
    heart = pulse.Pulse()
    clock[0] += 60
    heart.check()
    heart.beat()


def test_a_loop_that_moves_may_write(clock: list[float]) -> None:
    heart = pulse.Pulse()
    for _ in range(10):
        heart.beat()
        clock[0] += pulse.FREEZE_LIMIT
        heart.check()


@pytest.mark.parametrize("look", ["check", "beat"])
def test_after_a_standstill_nothing_may_be_written(clock: list[float], look: str) -> None:
    heart = pulse.Pulse()
    heart.beat()
    clock[0] += 30
    with pytest.raises(KafkaError, match="stood still for 30 seconds"):
        getattr(heart, look)()


def test_the_margins_add_up() -> None:
    in_time = pulse.HEARTBEAT_EVERY + pulse.FREEZE_LIMIT + pulse.WRITE_DEADLINE
    assert in_time < pulse.SESSION_TIMEOUT
