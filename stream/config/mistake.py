"""A mistake in flow.yaml: where it stands, what it is, and the mend."""

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
    """One mistake; `line` counts from 1 and is None, and `key` empty, where the file as a whole is meant.

    `value` is what YAML made of it, `message` the sentence that quotes it and says the mend.
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
    """All mistakes of a configuration, each on a line of its own; below a heading where they are several."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = [str(mistake) for mistake in self.mistakes]
        if len(lines) > 1:
            lines.insert(0, f"{self.mistakes[0].file} has {len(lines)} mistakes:")
        super().__init__("\n".join(lines))


def key_of(path: Path) -> str:
    """Write a path as the reader of the file would: `organisation[0].arts[1].art`."""
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
    """Quote a text on one line, shortened where it is long."""
    short = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
    return f'"{short}"' if short.isprintable() else '"' + repr(short)[1:-1] + '"'


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Suggest the known text that comes nearest, or nothing."""
    near = get_close_matches(text, sorted(known), n=1)
    return f"did you mean {quoted(near[0])}?" if near else ""
