"""How the client fetches: records as its C code reads them, and events that come together when few come at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from aiokafka.consumer import fetcher

# Seconds between two fetches from a broker.
LIVE_EVERY = 0.0025


def fetch_lively(client: Any) -> None:
    """Have a started client's fetcher do so; what it has fetched until now is as good, and only slower."""
    if not isinstance(client._records, Fetched):  # noqa: SLF001
        client._records = Fetched(client._records)  # noqa: SLF001
        client._proc_fetch_request = _paced(client._proc_fetch_request)  # noqa: SLF001


class Fetched(dict[Any, Any]):
    """What a client has fetched, with records as its C code reads them: to make a dataclass of each costs more."""

    def __setitem__(self, tp: Any, result: Any) -> None:
        if isinstance(result, fetcher.FetchResult):
            result._partition_records._consumer_record = _as_read  # noqa: SLF001
        super().__setitem__(tp, result)


def _as_read(_: Any, record: Any) -> Any:
    return record


def _paced(fetch: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
    """Let events come together at the broker when few come at a time: a poll costs more than what it brings.

    There and not here, where they would wait together with the next request, and those behind them for that one.
    """
    asked: dict[int, float] = {}

    async def paced(assignment: Any, broker: int, request: Any) -> bool:
        left = asked.get(broker, 0.0) + LIVE_EVERY - monotonic()
        if left > 0:
            await asyncio.sleep(left)
        asked[broker] = monotonic()
        return await fetch(assignment, broker, request)

    return paced
