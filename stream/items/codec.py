"""The summary as a value of topic `flow.items` (`schemas/item-summary.schema.json`, `objective-summary.schema.json`).

The fields of `Summary` and `Objective` are the form itself; before them stand its version and the derivation.
"""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from stream.items.objective import Objective
from stream.items.summary import NO_STAYS, Stamp, Summary, Team

VERSION = 2
MAX_REMEMBERED = 100_000
_write = msgspec.json.Encoder().encode
_read_summary = msgspec.json.Decoder(Summary).decode
_read_objective = msgspec.json.Decoder(Objective).decode
_teams: dict[Team, Team] = {}


def encode_summary(summary: Summary | Objective, derivation: str) -> bytes:
    """Write a summary, or an objective; `derivation` names the configuration and clock it was folded with."""
    return _head(derivation) + _write(summary)[1:]


def decode_summary(value: bytes, derivation: str) -> Summary | Objective | None:
    """Read a summary, or an objective, back; None where it was folded with another configuration."""
    head = _head(derivation)
    if value.startswith(head):
        is_objective = value.startswith(b'"objective":', len(head))
    else:
        row: Any = msgspec.json.decode(value)
        if row["v"] != VERSION or row["config"] != derivation:
            return None
        is_objective = "objective" in row
    return _read_objective(value) if is_objective else _shared(_read_summary(value))


@lru_cache(maxsize=16)
def _head(derivation: str) -> bytes:
    return _write({"v": VERSION, "config": derivation})[:-1] + b","


def _shared(summary: Summary) -> Summary:
    """Let a summary that was just read have in common with all others what is the same: there are millions of them."""
    force_setattr(summary, "source", intern(summary.source))
    if summary.state is not None:
        force_setattr(summary, "state", intern(summary.state))
    for part in (summary, summary.start, summary.finish):
        if part is not None:
            _share_place(part)
    if not summary.stays:
        force_setattr(summary, "stays", NO_STAYS)
    return summary


def _share_place(part: Summary | Stamp) -> None:
    owner = _teams.get(part.owner)
    if owner is None:
        if len(_teams) >= MAX_REMEMBERED:
            _teams.clear()
        owner = _teams[part.owner] = part.owner
    force_setattr(part, "owner", owner)
    force_setattr(part, "item_type", intern(part.item_type))
