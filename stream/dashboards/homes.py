"""Which backlog a board shows: the home backlog of its level."""

from __future__ import annotations

from collections.abc import Mapping

from stream.config.model import LEVELS, FlowConfig, Level


def homes(config: FlowConfig) -> Mapping[Level, str]:
    """Give the backlog that stands for each level: its home backlog, else that of the nearest level above."""
    return {level: _home(config, level) for level in LEVELS}


def _home(config: FlowConfig, level: Level) -> str:
    at_or_above = map(config.home_of, LEVELS[LEVELS.index(level) :])
    return next(backlog for backlog in at_or_above if backlog is not None)
