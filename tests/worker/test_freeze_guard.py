"""A worker that was frozen must not write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stream.errors import KafkaError
from stream.worker import freeze_guard

Clock = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Clock:
    now = [100.0]
    monkeypatch.setattr(freeze_guard, "uptime", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_a_start_that_takes_long_is_no_standstill(wait: Clock) -> None:
    heart = freeze_guard.FreezeGuard()
    wait(60)
    heart.check()
    heart.beat()
    heart.check()


def test_a_process_that_moves_may_write(wait: Clock) -> None:
    heart = freeze_guard.FreezeGuard()
    for _ in range(10):
        heart.beat()
        wait(freeze_guard.FREEZE_LIMIT)
        heart.check()


def test_after_a_standstill_nothing_may_be_written(wait: Clock) -> None:
    heart = freeze_guard.FreezeGuard()
    heart.beat()
    wait(30)
    with pytest.raises(KafkaError, match="stood still for 30 seconds"):
        heart.check()


def test_a_standstill_is_not_forgotten_by_the_next_beat(wait: Clock) -> None:
    heart = freeze_guard.FreezeGuard()
    heart.beat()
    wait(8)
    heart.beat()
    wait(1)
    heart.beat()
    with pytest.raises(KafkaError, match="stood still for 8 seconds"):
        heart.check()


def test_the_margins_add_up() -> None:
    in_time = freeze_guard.HEARTBEAT_EVERY + freeze_guard.FREEZE_LIMIT + freeze_guard.WRITE_DEADLINE
    assert in_time < freeze_guard.SESSION_TIMEOUT
