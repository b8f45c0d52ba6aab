"""The PI objective, folded from its history.

SAFe: at PI planning, a team's objectives get a planned business value, at the end of the PI an actual one. The fields
of an event take their values at the event's time, as with items. So late, duplicate and corrected events need no
special case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from stream.items.points import millionths
from stream.items.row import Entry
from stream.items.rules import Rules
from stream.items.summary import Owner

_WRITTEN = {"planned": "planned_millionths", "actual": "actual_millionths"}


class Objective(Struct, frozen=True, gc=False, rename=_WRITTEN):
    """An objective as its known events left it.

    `planned` and `actual` are business values in millionths, so that decimals add up exactly. `actual` is None until
    the objective is assessed. An objective is committed unless an event says otherwise.
    """

    objective: str
    source: str
    owner: Owner
    pi: str | None
    committed: bool
    planned: int
    actual: int | None


def fold_objective(objective: str, entries: Iterable[Entry], rules: Rules, now: int) -> Objective | None:
    """Fold the (sorted) entries that are known at `now` (microseconds); None if none is known."""
    fields: dict[str, Any] = {}
    source = None
    for entry in entries:
        if entry.time > now:
            break
        fields.update(entry.changes)
        source = entry.source
    if source is None:
        return None
    return Objective(
        objective=objective,
        source=source,
        owner=rules.team_named(fields.get("team"), fields.get("art"), fields.get("value_stream")),
        pi=_text(fields.get("pi")),
        committed=fields.get("committed") is not False,
        planned=millionths(fields.get("planned_value")) or 0,
        actual=millionths(fields.get("actual_value")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
