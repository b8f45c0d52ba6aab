"""A read of a topic's present content ends, even if Kafka gives nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from stream.faust_edge import latest as module
from stream.kafka.places import TP

ALERTS = TP("flow.alerts", 0)


class Silent:
    """A client that has ten records to read, and gives none."""

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(_records=SimpleNamespace(budget=SimpleNamespace(renew=lambda: None)))

    def assign(self, places: Iterable[Any]) -> None:
        self.places = list(places)

    def seek(self, *_: Any) -> None:
        pass

    async def beginning_offsets(self, places: Iterable[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Iterable[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, 10)

    async def position(self, _: Any) -> int:
        return 0

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}


def test_a_read_without_records_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count()
    monkeypatch.setattr(module, "monotonic", lambda: float(next(seconds)))
    with pytest.raises(TimeoutError, match="nothing came for 30 seconds"):
        asyncio.run(module._read(Silent(), {ALERTS: 0}))
    assert next(seconds) == module.SILENCE + 2
