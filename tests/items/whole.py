"""Reads summaries whole, as a reader of `flow.items` does that needs more than boards count."""

from __future__ import annotations

import msgspec
import orjson

from stream.items.codec import SUMMARY_VERSION
from stream.items.objective import Objective
from stream.items.summary import Summary


def read_whole(value: bytes, derivation: str) -> Summary | Objective:
    """Read a summary or an objective of this derivation."""
    row = orjson.loads(value)
    assert (row["v"], row["config"]) == (SUMMARY_VERSION, derivation)
    return msgspec.json.decode(value, type=Objective if "objective" in row else Summary)
