"""Long work makes pauses, until it has paused long enough."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from stream.worker import pauses
from stream.worker.pauses import PAUSE, PAUSES, TURN, CooperativePauses


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses. Time passes during pauses and with `pauses.work`."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        clock.now += seconds

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(pauses, "monotonic", lambda: clock.now)
    monkeypatch.setattr(pauses, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(pauses, "work", lambda seconds: setattr(clock, "now", clock.now + seconds), raising=False)
    return made


def turns(count: int, seconds: float) -> CooperativePauses:
    async def scenario() -> CooperativePauses:
        kept = CooperativePauses()
        for _ in range(count):
            pauses.work(seconds)  # type: ignore[attr-defined]
            await kept.pause()
        return kept

    return asyncio.run(scenario())


def test_a_turn_of_many_nodes_is_followed_by_a_pause(passed: list[float]) -> None:
    kept = turns(8, 0.3 * TURN)
    assert passed == [PAUSE, PAUSE]
    assert kept.seconds == pytest.approx(2 * PAUSE)


def test_who_has_paused_long_enough_lets_others_on_without_a_pause(passed: list[float]) -> None:
    turns(200, TURN)
    assert sum(passed) == pytest.approx(PAUSES, abs=PAUSE)
    assert len(passed) == 200
    assert passed[-1] == 0
