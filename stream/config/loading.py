"""Loads flow.yaml into a FlowConfig, or reports all its mistakes at once."""

from __future__ import annotations

from pathlib import Path

from stream.config import backlogs, export, numbers, organisation, periods, rules, targets, workflows
from stream.config.document import Document
from stream.config.mistake import Mistake, Mistakes
from stream.config.model import FlowConfig
from stream.config.shape import read_shape

MAX_BYTES = 16 * 1024 * 1024


def load_config(path: str | Path) -> FlowConfig:
    """Read a configuration file. Raises Mistakes, a ConfigError, with everything that is wrong in it."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}: give the path of a readable configuration"
        raise Mistakes([Mistake(name, None, "", None, reason)]) from None
    if len(content) > MAX_BYTES:
        raise Mistakes([Mistake(name, None, "", None, f"is larger than {MAX_BYTES} bytes: make it smaller")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Mistakes([Mistake(name, line, "", None, "is not UTF-8 here: save the file as UTF-8")]) from None
    return parse_config(text, name)


def parse_config(text: str, name: str) -> FlowConfig:
    """Read a configuration from its text; mistakes show `name` as the file.

    Raises Mistakes, a ConfigError, with every mistake in the order of the file.
    """
    document = Document(text, name)
    config = read_shape(document)
    for part in (organisation, rules, workflows, backlogs, numbers, periods, export, targets):
        part.check(document)
    # Several checks may complain about one place: only the first complaint is kept.
    mistakes = {(mistake.line, mistake.key): mistake for mistake in reversed(document.mistakes)}
    if config is None or mistakes:
        raise Mistakes(sorted(mistakes.values(), key=lambda mistake: (mistake.line or 0, mistake.key)))
    return config
