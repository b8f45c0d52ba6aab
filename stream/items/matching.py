"""Whether an item's attributes match a rule of `owns` or `applies_to`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Rule = Mapping[str, str | tuple[str, ...]]


def as_text(value: Any) -> str:
    """Write a scalar as rules compare it: booleans as `true`/`false`, whole numbers without `.0`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def matches(rule: Rule, attributes: Mapping[str, Any]) -> bool:
    """Tell whether every field of the rule matches; of a list on either side, any member may match."""
    return all(_field_matches(wanted, attributes.get(field)) for field, wanted in rule.items())


def _field_matches(wanted: str | tuple[str, ...], actual: Any) -> bool:
    if actual is None:
        return False
    accepted = (wanted,) if isinstance(wanted, str) else wanted
    values = actual if isinstance(actual, list | tuple) else (actual,)
    return any(as_text(value) in accepted for value in values)


def fingerprint_of(value: Any) -> Any:
    """Give a hashable form of an attribute; two are equal exactly if no rule can distinguish the values."""
    if isinstance(value, list | tuple):
        return tuple(as_text(part) for part in value)
    return None if value is None else as_text(value)
