"""Options that several commands share. A value that cannot be used is a usage error, exit status 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from stream.errors import InputError, SettingsError
from stream.events.decode import is_name
from stream.events.limits import MAX_NAME
from stream.events.log import ColumnMap
from stream.settings import clock_mode

PORT = click.IntRange(1, 65_535)


def _mapping(_: click.Context, __: click.Parameter, value: Sequence[str]) -> ColumnMap:
    try:
        return ColumnMap.parse(value)
    except InputError as error:
        raise click.BadParameter(str(error)) from None


def _clock(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        return value and clock_mode(value)
    except SettingsError as error:
        raise click.BadParameter(str(error)) from None


def _source(_: click.Context, __: click.Parameter, name: str) -> str:
    if not is_name(name, MAX_NAME):
        raise click.BadParameter(f"give a name of 1 to {MAX_NAME} characters without control characters")
    return name


def mapping_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--map`, which gives a `ColumnMap` under the name `mapping`."""
    return click.option(
        "--map",
        "mapping",
        metavar="COLUMN=FIELD",
        multiple=True,
        callback=_mapping,
        help="Read FIELD from this CSV column; COLUMN+COLUMN=FIELD joins columns with `/`. Repeatable.",
    )(command)


def source_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--source`."""
    return click.option(
        "--source", default="import", show_default=True, callback=_source, help="The source of CSV rows that have none."
    )(command)


def clock_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--clock`. `text` is the end of its help."""
    return click.option(
        "--clock",
        metavar="wall|event|TIME",
        callback=_clock,
        help=f"The clock that gives now: the wall clock, the newest event time in the topic, or an instant. {text}",
    )
