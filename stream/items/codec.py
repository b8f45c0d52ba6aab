"""The summary as a value of topic `flow.items` (`schemas/item-summary.schema.json`, `objective-summary.schema.json`).

The fields of `Summary` and `Objective` define the JSON; version and derivation come before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from stream.items.objective import Objective
from stream.items.stays import Stays
from stream.items.summary import LOAD_STATES, NO_STAYS, Counted, Owner, Summary

# Version of the format of summaries and of objectives. Raise it with every new or changed field of either.
SUMMARY_VERSION = 3
MAX_REMEMBERED = 100_000
_write = msgspec.json.Encoder().encode
_read_counted = msgspec.json.Decoder(Counted).decode
_read_objective = msgspec.json.Decoder(Objective).decode
_owners: dict[Owner, Owner] = {}
_estimates: dict[int, int] = {}


def encode_summary(summary: Summary | Objective, derivation: str) -> bytes:
    """Write a summary or an objective; `derivation` names the configuration and clock of the fold."""
    return _head(derivation) + _write(summary)[1:]


def summary_as_json(summary: Summary) -> dict[str, Any]:
    """Give a summary in the form of its JSON, without version and derivation."""
    written: dict[str, Any] = msgspec.to_builtins(summary, enc_hook=dict)
    return written


def decode_counted(value: bytes, derivation: str) -> Counted | Objective | None:
    """Read an objective, or what boards count of a summary; None if it was folded with another configuration.

    Raises ValueError if the value is neither.
    """
    try:
        return _decoded(value, derivation)
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a summary: {error!r}") from None


def _decoded(value: bytes, derivation: str) -> Counted | Objective | None:
    if value.startswith(_head_of_item(derivation)):
        return _shared(_read(value))
    # An objective, or a value that another program wrote, with its fields in another order.
    row: Any = msgspec.json.decode(value)
    if row["v"] != SUMMARY_VERSION or row["config"] != derivation:
        return None
    return _read_objective(value) if "objective" in row else _shared(_read(value))


@lru_cache(maxsize=16)
def _head(derivation: str) -> bytes:
    return _write({"v": SUMMARY_VERSION, "config": derivation})[:-1] + b","


@lru_cache(maxsize=16)
def _head_of_item(derivation: str) -> bytes:
    return _head(derivation) + b'"item":'


def _read(value: bytes) -> Counted:
    summary = _read_counted(value)
    if summary.state is None and summary.flow_state in LOAD_STATES:
        raise ValueError("not a summary: the item is in progress without a state")
    return summary


def counted(summary: Summary | Objective) -> Counted | Objective:
    """Give what boards count of a summary that was folded here, in little memory, since there are millions of them.

    It is the same as what `decode_counted` reads. Objectives are few, and stay as they are.
    """
    if isinstance(summary, Objective):
        return summary
    finish = summary.finish
    if finish is not None:
        force_setattr(finish, "points", _shared_points(finish.points))
    # Owners, backlogs and types are already those of the configuration.
    return Counted(
        summary.item,
        intern(summary.source),
        summary.owner,
        summary.item_type,
        _interned(summary.state),
        summary.flow_state,
        backlog=summary.backlog,
        points=_shared_points(summary.points),
        blocked_since=summary.blocked_since,
        deleted=summary.deleted,
        start=summary.start,
        start_is_lower_bound=summary.start_is_lower_bound,
        finish=finish,
        active=summary.active,
        stays=_kept(summary),
    )


def _shared(summary: Counted) -> Counted:
    """Let a summary that was read share its parts with all others."""
    owner, backlog = _known(summary.owner), _interned(summary.backlog)
    force_setattr(summary, "source", intern(summary.source))
    force_setattr(summary, "owner", owner)
    force_setattr(summary, "item_type", intern(summary.item_type))
    force_setattr(summary, "state", _interned(summary.state))
    force_setattr(summary, "backlog", backlog)
    force_setattr(summary, "points", _shared_points(summary.points))
    for stamp in (summary.start, summary.finish):
        if stamp is not None:
            # Most items end with the owner they began with, and comparing is cheaper than looking up.
            force_setattr(stamp, "owner", owner if stamp.owner == owner else _known(stamp.owner))
            force_setattr(stamp, "backlog", backlog if stamp.backlog == backlog else _interned(stamp.backlog))
            force_setattr(stamp, "item_type", intern(stamp.item_type))
            force_setattr(stamp, "points", _shared_points(stamp.points))
    force_setattr(summary, "stays", _kept(summary))
    return summary


def _kept(summary: Counted) -> Mapping[str, int]:
    return Stays(summary.stays) if summary.finish is not None and summary.stays else NO_STAYS


def _shared_points(points: int | None) -> int | None:
    # A team uses few estimates.
    if points is None or len(_estimates) >= MAX_REMEMBERED:
        return points
    return _estimates.setdefault(points, points)


def _interned(text: str | None) -> str | None:
    return None if text is None else intern(text)


def _known(owner: Owner) -> Owner:
    known = _owners.get(owner)
    if known is None:
        if len(_owners) >= MAX_REMEMBERED:
            _owners.clear()
        known = _owners[owner] = owner
    return known
