"""What flows on its own: which backlog holds an item, and which backlog a level is about."""

from __future__ import annotations

from tests.oracle.rules import Json, matches

LEVELS = ("team", "art", "value_stream", "portfolio")
ALL: Json = {"backlog": "all", "home": "team"}


def backlogs(config: Json) -> list[Json]:
    """List the configured backlogs in the order of the file."""
    return list(config.get("backlogs") or [ALL])


def backlog_of(attributes: Json, config: Json) -> str | None:
    """Find the first backlog that holds an item with these attributes."""
    for entry in backlogs(config):
        if matches(entry.get("holds") or {}, attributes):
            return str(entry["backlog"])
    return None


def always_shows(level: str, entry: Json) -> bool:
    """Tell whether all nodes of a level show a backlog, whatever counts in it."""
    return LEVELS.index(level) >= LEVELS.index(entry["home"])


def home_of(level: str, config: Json) -> str | None:
    """Find the backlog that a limit or target of a level means if it names none: its own, else the nearest below."""
    return first_with_home(LEVELS[LEVELS.index(level) :: -1], config)


def goals_home_of(level: str, config: Json) -> str:
    """Find the backlog beside which predictability stands: the level's, else the nearest above."""
    above = LEVELS[LEVELS.index(level) :]
    return home_of(level, config) or first_with_home(above, config) or ""


def first_with_home(homes: tuple[str, ...], config: Json) -> str | None:
    """Find the first backlog whose home is the first of these levels that is a home at all."""
    for home in homes:
        for entry in backlogs(config):
            if entry["home"] == home:
                return str(entry["backlog"])
    return None
