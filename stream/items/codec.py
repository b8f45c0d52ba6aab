"""The summary as a value of topic `flow.items` (`schemas/item-summary.schema.json`)."""

from __future__ import annotations

from typing import Any

import orjson

from stream.items.objective import Objective
from stream.items.summary import FlowState, Stamp, Summary, Team

VERSION = 2


def encode_summary(summary: Summary, derivation: str) -> bytes:
    """Write a summary; `derivation` names the configuration and clock it was folded with."""
    return orjson.dumps(
        {
            "v": VERSION,
            "item": summary.item,
            "config": derivation,
            "source": summary.source,
            "owner": list(summary.owner),
            "item_type": summary.item_type,
            "state": summary.state,
            "flow_state": summary.flow_state,
            "blocked_since_us": summary.blocked_since,
            "deleted": summary.deleted,
            "start": _stamp_out(summary.start),
            "start_is_lower_bound": summary.start_is_lower_bound,
            "finish": _stamp_out(summary.finish),
            "active_us": summary.active,
            "stays_us": summary.stays,
        }
    )


def encode_objective(objective: Objective, derivation: str) -> bytes:
    """Write an objective, which stands beside the items' summaries."""
    return orjson.dumps(
        {
            "v": VERSION,
            "objective": objective.objective,
            "config": derivation,
            "source": objective.source,
            "owner": list(objective.owner),
            "pi": objective.pi,
            "committed": objective.committed,
            "planned_millionths": objective.planned,
            "actual_millionths": objective.actual,
        }
    )


def decode_summary(value: bytes, derivation: str) -> Summary | Objective | None:
    """Read a summary, or an objective, back; None where it was folded with another configuration."""
    row: dict[str, Any] = orjson.loads(value)
    if row["v"] != VERSION or row["config"] != derivation:
        return None
    return _objective_in(row) if "objective" in row else _summary_in(row)


def _objective_in(row: dict[str, Any]) -> Objective:
    return Objective(
        objective=row["objective"],
        source=row["source"],
        owner=Team(*row["owner"]),
        pi=row["pi"],
        committed=row["committed"],
        planned=row["planned_millionths"],
        actual=row["actual_millionths"],
    )


def _summary_in(row: dict[str, Any]) -> Summary:
    return Summary(
        item=row["item"],
        source=row["source"],
        owner=Team(*row["owner"]),
        item_type=row["item_type"],
        state=row["state"],
        flow_state=None if row["flow_state"] is None else FlowState(row["flow_state"]),
        blocked_since=row["blocked_since_us"],
        deleted=row["deleted"],
        start=_stamp_in(row["start"]),
        start_is_lower_bound=row["start_is_lower_bound"],
        finish=_stamp_in(row["finish"]),
        active=row["active_us"],
        stays=row["stays_us"],
    )


def _stamp_out(stamp: Stamp | None) -> dict[str, Any] | None:
    if stamp is None:
        return None
    return {"time_us": stamp.time, "owner": list(stamp.owner), "item_type": stamp.item_type}


def _stamp_in(stamp: dict[str, Any] | None) -> Stamp | None:
    return None if stamp is None else Stamp(stamp["time_us"], Team(*stamp["owner"]), stamp["item_type"])
