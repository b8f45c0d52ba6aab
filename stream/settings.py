"""The deployment settings: where Kafka is, ports, partitions. The organisation is in flow.yaml instead.

Each setting is declared once, as a field of `Settings`. docs/reference.md and `--help` are generated from `SETTINGS`.
docs/decisions/settings.md says why no library reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from stream.errors import SettingsError

KAFKA_PORT = 9092
MAX_PARTITIONS = 10_000
# An item's row has one bit for each partition that its summary was sent to.
MAX_ITEMS_PARTITIONS = 64

_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,200}")
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

T = TypeVar("T")

# Parsers of the variables: the ValueError says what the text must be.


def _brokers(text: str) -> tuple[str, ...]:
    return tuple(_broker(part.strip()) for part in text.split(","))


def _broker(text: str) -> str:
    match = _BROKER.fullmatch(text)
    if match is None or not 0 < int(match["port"] or KAFKA_PORT) <= 65_535:
        raise ValueError("HOST:PORT, or several separated by commas")
    return f"{match['host']}:{match['port'] or KAFKA_PORT}"


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("at most 200 letters, digits, dots, underscores and hyphens")
    return text


def _host(text: str) -> str:
    if re.search(r"[\s/]", text):
        raise ValueError("a host name or an address without scheme, port or path")
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _clock(text: str) -> str:
    if text in {"wall", "event"} or _is_instant(text):
        return text
    raise ValueError("`wall`, `event` or an instant with its offset like 2026-11-22T10:15:00Z")


def clock_mode(text: str) -> str:
    """Return `text` if it is a clock mode: `wall`, `event` or an instant. Raises SettingsError."""
    try:
        return _clock(text)
    except ValueError as error:
        raise SettingsError(f"{text!r}: it must be {error}") from None


def _is_instant(text: str) -> bool:
    try:
        return bool(_INSTANT.fullmatch(text) and datetime.fromisoformat(text.upper()))
    except ValueError:
        return False


def _switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("0 or 1")
    return text == "1"


_port = _whole(1, 65_535)
_partitions = _whole(1, MAX_PARTITIONS)


def _setting(variable: str, default: str, parse: Callable[[str], T], text: str) -> T:
    """Declare a field with its variable, its default as text, its parser and its help text."""
    about = {"variable": variable, "default": default, "parse": parse, "help": text}
    made: T = field(default=parse(default), metadata=about)
    return made


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment settings, checked. `brokers` are `host:port`; `config` and `data_dir` are as given."""

    brokers: tuple[str, ...] = _setting(
        "FLOW_KAFKA_BROKERS",
        "127.0.0.1:9092",
        _brokers,
        "Kafka's bootstrap addresses: HOST:PORT, separated by commas",
    )
    topic_prefix: str = _setting(
        "FLOW_TOPIC_PREFIX", "flow.", _prefix, "the prefix of all topic names and of the consumer group"
    )
    config: Path = _setting("FLOW_CONFIG", "flow.yaml", Path, "the file with the organisation and its workflows")
    web_host: str = _setting(
        "FLOW_WEB_HOST", "127.0.0.1", _host, "the address on which a worker serves /metrics, /ready and /live"
    )
    web_port: int = _setting(
        "FLOW_WEB_PORT", "6066", _port, "the port on which a worker serves /metrics, /ready and /live"
    )
    gateway_port: int = _setting("FLOW_GATEWAY_PORT", "6070", _port, "the port on which the gateway receives webhooks")
    data_dir: Path = _setting("FLOW_DATA_DIR", ".flowgauge", Path, "the folder in which a process keeps its files")
    events_partitions: int = _setting(
        "FLOW_EVENTS_PARTITIONS",
        "4",
        _partitions,
        "partitions of the events and histories topics; at most this many workers share the tracking",
    )
    items_partitions: int = _setting(
        "FLOW_ITEMS_PARTITIONS",
        "1",
        _whole(1, MAX_ITEMS_PARTITIONS),
        "partitions of the items topic, at most 64; with 1, the portfolio's percentiles are exact too",
    )
    replication_factor: int = _setting(
        "FLOW_REPLICATION_FACTOR",
        "1",
        _whole(1, 100),
        "replicas of each new topic; set 3 if there are three brokers",
    )
    clock: str = _setting(
        "FLOW_CLOCK",
        "wall",
        _clock,
        "the clock that gives now: `wall`, `event` (the newest event time in the topic) or an instant",
    )
    embedded: bool = _setting(
        "FLOW_EMBEDDED", "0", _switch, "1 for the embedded broker, on which topics cannot be declared"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment. A variable that is absent or empty has its default.

        Raises SettingsError with one line that names each wrong variable, its value and what it must be.
        """
        found: dict[str, Any] = {}
        mistakes = []
        for setting in SETTINGS:
            text = environ.get(setting.variable, "").strip() or setting.default
            try:
                found[setting.field] = setting.parse(text)
            except ValueError as error:
                mistakes.append(f"{setting.variable} is {text!r}: it must be {error}, such as {setting.default!r}")
        if mistakes:
            raise SettingsError("; ".join(mistakes))
        return cls(**found)

    @property
    def group(self) -> str:
        """The consumer group of the workers, and the id of their Faust app."""
        return f"{self.topic_prefix}engine"

    def topic(self, name: str) -> str:
        """Return the full name of a topic, such as `flow.events` for `events`."""
        return f"{self.topic_prefix}{name}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `field` is its name in `Settings`. The ValueError of `parse` says what the text must be."""

    field: str
    variable: str
    default: str
    parse: Callable[[str], Any]
    help: str


SETTINGS = tuple(Setting(field=one.name, **one.metadata) for one in fields(Settings))
