"""A mistake in flow.yaml: where it is, what is wrong, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from stream.errors import ConfigError

Path = tuple[str | int, ...]

MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake.

    Attributes:
        file: The name of the file.
        line: The line, counted from 1; None for a mistake of the whole file.
        key: The path of the value; empty for a mistake of the whole file.
        value: The value as YAML read it.
        message: A sentence that quotes the value and says how to fix it.
    """

    file: str
    line: int | None
    key: str
    value: Any
    message: str

    def __str__(self) -> str:
        """Write the mistake as one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class Mistakes(ConfigError):
    """All mistakes of a configuration, one per line; several mistakes get a heading."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = [str(mistake) for mistake in self.mistakes]
        if len(lines) > 1:
            lines.insert(0, f"{self.mistakes[0].file} has {len(lines)} mistakes:")
        super().__init__("\n".join(lines))


def key_of(path: Path) -> str:
    """Write a path in the usual notation: `organisation[0].arts[1].art`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"\w[\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text


def quoted(text: str) -> str:
    """Quote a text on one line; a long text is shortened."""
    short = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
    return f'"{short}"' if short.isprintable() else '"' + repr(short)[1:-1] + '"'


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Suggest the most similar known text; "" if none is similar."""
    near = get_close_matches(text, sorted(known), n=1)
    return f"did you mean {quoted(near[0])}?" if near else ""
