"""PI objectives as their events left them, and how well they were met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tests.oracle.lives import distinct, time_of
from tests.oracle.rules import UNASSIGNED, Json, Node, Owner, belongs, teams

MOST_INCREMENTS = 100


@dataclass(frozen=True)
class Objective:
    """An objective of a program increment; a value of None was not given."""

    pi: str
    source: str
    owner: Owner
    committed: bool
    planned_value: Fraction | None
    actual_value: Fraction | None

    @property
    def planned(self) -> Fraction:
        """What was promised: nothing by an objective without commitment."""
        return self.planned_value or Fraction(0) if self.committed else Fraction(0)

    @property
    def actual(self) -> Fraction:
        """What was achieved, promised or not."""
        return self.actual_value or Fraction(0)

    @property
    def projected(self) -> Fraction:
        """What was achieved where that is known, else what was promised."""
        return self.planned if self.actual_value is None else self.actual_value


def objectives(events: Iterable[Json], config: Json, at: datetime) -> list[Objective]:
    """List the objectives that belong to a program increment, as they are known at the instant."""
    fields: dict[str, Json] = {}
    for event in distinct(events):
        if event["type"] == "flow.objective.changed" and time_of(event) <= at:
            left = fields.setdefault(str(event["data"]["objective"]), {})
            left.update(event["data"] | {"spoken of by": event["source"]})
    return [read(left, config) for left in fields.values() if left.get("pi") is not None]


def read(fields: Json, config: Json) -> Objective:
    """Read what an objective's events left; a null commitment is none, a missing one is a commitment."""
    return Objective(
        pi=fields["pi"],
        source=fields["spoken of by"],
        owner=owner_of(fields, config),
        committed=bool(fields.get("committed", True)),
        planned_value=value(fields.get("planned_value")),
        actual_value=value(fields.get("actual_value")),
    )


def value(written: float | None) -> Fraction | None:
    """Read a value as the decimal that its sender wrote: 0.1 and 0.2 are 0.3."""
    return None if written is None else Fraction(str(written))


def owner_of(fields: Json, config: Json) -> Owner:
    """Find the first team of that name, in that ART and value stream where they are given."""
    for owner, _ in teams(config):
        wanted = (fields.get("value_stream"), fields.get("art"), fields.get("team") or "")
        if all(want in (None, name) for want, name in zip(wanted, owner, strict=True)):
            return owner
    return UNASSIGNED


def is_mapped(aim: Objective, config: Json) -> bool:
    """Tell whether the configuration has the objective's program increment; one that lists none has any."""
    names = [increment["name"] for increment in config.get("program_increments") or []]
    return not names or aim.pi in names


def unmapped_objectives(node: Node, known: list[Objective], config: Json) -> dict[str, dict[str, int]]:
    """Count the objectives of increments that the configuration does not have, by source and increment."""
    found: dict[str, dict[str, int]] = {}
    for aim in known:
        if belongs(aim.owner, node) and not is_mapped(aim, config):
            increments = found.setdefault(aim.source, {})
            increments[aim.pi] = increments.get(aim.pi, 0) + 1
    return found


def predictability(node: Node, known: list[Objective], config: Json) -> dict[str, Json]:
    """Sum up each program increment of a node, the last hundred by name."""
    own = [aim for aim in known if belongs(aim.owner, node) and is_mapped(aim, config)]
    shown = sorted({aim.pi for aim in own})[-MOST_INCREMENTS:]
    return {name: summed([aim for aim in own if aim.pi == name]) for name in shown}


def summed(aims: list[Objective]) -> Json:
    """Sum up the values of objectives; the ratio to nothing is None."""
    planned = sum((aim.planned for aim in aims), Fraction(0))
    actual = sum((aim.actual for aim in aims), Fraction(0))
    projected = sum((aim.projected for aim in aims), Fraction(0))
    return {
        "planned": float(planned),
        "actual": float(actual),
        "projected": float(projected),
        "ratio": float(actual / planned) if planned else None,
    }
