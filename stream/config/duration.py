"""A length of time as flow.yaml writes it: `30s`, `5m`, `24h`, `7d`, `2w`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import core_schema

UNITS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
PATTERN = "[1-9][0-9]{0,8}[smhdw]"
LONGEST = 36_500 * UNITS["d"]


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `label` as written (`7d`), `microseconds` as counted."""

    label: str
    microseconds: int

    @classmethod
    def parse(cls, value: object) -> Duration:
        """Read a text such as `7d`. Raises ValueError that says what is wrong."""
        if isinstance(value, Duration):
            return value
        if not isinstance(value, str) or not re.fullmatch(PATTERN, value):
            raise ValueError("is not a duration: give a whole number and a unit (s, m, h, d, w), such as 7d")
        microseconds = int(value[:-1]) * UNITS[value[-1]]
        if microseconds > LONGEST:
            raise ValueError("is too long: give at most 36500d")
        return cls(value, microseconds)

    def __str__(self) -> str:
        """Give the label."""
        return self.label

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        """Let pydantic read a duration with `parse` and write its label."""
        written = core_schema.plain_serializer_function_ser_schema(str)
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, Any]:
        """Describe a duration to JSON Schema."""
        return {"type": "string", "pattern": f"^{PATTERN}$", "examples": ["7d", "24h"]}
