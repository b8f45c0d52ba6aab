"""The summary as a value of topic `flow.items` (`schemas/item-summary.schema.json`, `objective-summary.schema.json`).

The fields of `Summary` and `Objective` define the JSON; version and derivation come before them.
"""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

import msgspec
from msgspec.structs import force_setattr

from stream.items.objective import Objective
from stream.items.stays import Stays
from stream.items.summary import LOAD_STATES, NO_STAYS, Summary, Team

# Version of the format of summaries and of objectives. Raise it with every new or changed field of either.
SUMMARY_VERSION = 2
MAX_REMEMBERED = 100_000
SummaryOrObjective = TypeVar("SummaryOrObjective", Summary, Objective, Summary | Objective)
_write = msgspec.json.Encoder().encode
_read_summary = msgspec.json.Decoder(Summary).decode
_read_objective = msgspec.json.Decoder(Objective).decode
_teams: dict[Team, Team] = {}


def encode_summary(summary: Summary | Objective, derivation: str) -> bytes:
    """Write a summary or an objective; `derivation` names the configuration and clock of the fold."""
    return _head(derivation) + _write(summary)[1:]


def decode_summary(value: bytes, derivation: str) -> Summary | Objective | None:
    """Read a summary or an objective; None if it was folded with another configuration.

    Raises ValueError if the value is neither.
    """
    try:
        return _decoded(value, derivation)
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a summary: {error!r}") from None


def _decoded(value: bytes, derivation: str) -> Summary | Objective | None:
    if value.startswith(_head_of_item(derivation)):
        return shared(_read(value))
    # An objective, or a value that another program wrote, with its fields in another order.
    row: Any = msgspec.json.decode(value)
    if row["v"] != SUMMARY_VERSION or row["config"] != derivation:
        return None
    return _read_objective(value) if "objective" in row else shared(_read(value))


@lru_cache(maxsize=16)
def _head(derivation: str) -> bytes:
    return _write({"v": SUMMARY_VERSION, "config": derivation})[:-1] + b","


@lru_cache(maxsize=16)
def _head_of_item(derivation: str) -> bytes:
    return _head(derivation) + b'"item":'


def _read(value: bytes) -> Summary:
    summary = _read_summary(value)
    if summary.state is None and summary.flow_state in LOAD_STATES:
        raise ValueError("not a summary: the item is in progress without a state")
    return summary


def shared(summary: SummaryOrObjective) -> SummaryOrObjective:
    """Let a new summary share its parts with all others, since there are millions of them; objectives are few.

    A summary read from Kafka and one folded here are then the same.
    """
    if not isinstance(summary, Summary):
        return summary
    force_setattr(summary, "source", intern(summary.source))
    if summary.state is not None:
        force_setattr(summary, "state", intern(summary.state))
    owner = _known(summary.owner)
    force_setattr(summary, "owner", owner)
    force_setattr(summary, "item_type", intern(summary.item_type))
    for stamp in (summary.start, summary.finish):
        if stamp is not None:
            # Most items end with the owner they began with, and comparing is cheaper than looking up.
            force_setattr(stamp, "owner", owner if stamp.owner == owner else _known(stamp.owner))
            force_setattr(stamp, "item_type", intern(stamp.item_type))
    force_setattr(summary, "stays", Stays(summary.stays) if summary.stays else NO_STAYS)
    return summary


def _known(owner: Team) -> Team:
    known = _teams.get(owner)
    if known is None:
        if len(_teams) >= MAX_REMEMBERED:
            _teams.clear()
        known = _teams[owner] = owner
    return known
