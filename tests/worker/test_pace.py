"""Work of many turns leaves pauses, until it has paused long enough."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from stream.worker import pace
from stream.worker.pace import PAUSE, PAUSES, TURN, Pace


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the pauses that were made; time passes in pauses, and with `pace.work`."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.now += seconds

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(pace, "monotonic", lambda: clock.now)
    monkeypatch.setattr(pace, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(pace, "work", lambda seconds: setattr(clock, "now", clock.now + seconds), raising=False)
    return pauses


def turns(count: int, seconds: float) -> Pace:
    async def scenario() -> Pace:
        kept = Pace()
        for _ in range(count):
            pace.work(seconds)  # type: ignore[attr-defined]
            await kept.rest()
        return kept

    return asyncio.run(scenario())


def test_a_turn_of_many_nodes_is_followed_by_a_pause(passed: list[float]) -> None:
    kept = turns(8, 0.3 * TURN)
    assert passed == [PAUSE, PAUSE]
    assert kept.rested == pytest.approx(2 * PAUSE)


def test_who_has_paused_long_enough_lets_others_on_without_a_pause(passed: list[float]) -> None:
    turns(200, TURN)
    assert sum(passed) == pytest.approx(PAUSES, abs=PAUSE)
    assert len(passed) == 200
    assert passed[-1] == 0
