"""The deployment settings: where Kafka is, ports, partitions. Never the organisation: that is flow.yaml.

`SETTINGS` is the one table of them: the command's help and the README's table are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from stream.errors import SettingsError

KAFKA_PORT = 9092
MAX_PARTITIONS = 10_000
# An item's row keeps a bit for each partition its summary was sent to.
MAX_ITEMS_PARTITIONS = 64

_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,200}")
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: the variable, the field of `Settings`, its default and what it means.

    `parse` turns the text into the field's value; its ValueError says what is wanted instead.
    """

    variable: str
    field: str
    default: str
    help: str
    parse: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment settings, checked. `brokers` are `host:port`; `config` and `data_dir` are as given."""

    brokers: tuple[str, ...]
    topic_prefix: str
    config: Path
    web_host: str
    web_port: int
    gateway_port: int
    data_dir: Path
    events_partitions: int
    items_partitions: int
    replication_factor: int
    clock: str
    embedded: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment; a variable that is absent or empty has its default.

        Raises SettingsError with the variable, its value and the mend.
        """
        return cls(**{setting.field: _value(setting, environ) for setting in SETTINGS})

    @property
    def group(self) -> str:
        """The consumer group of the workers, and the id of their Faust app."""
        return f"{self.topic_prefix}engine"

    def topic(self, name: str) -> str:
        """Return the full name of a topic, such as `flow.events` for `events`."""
        return f"{self.topic_prefix}{name}"


def _value(setting: Setting, environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.variable, "").strip() or setting.default
    try:
        return setting.parse(text)
    except ValueError as error:
        message = f"{setting.variable} is {text!r}: it must be {error}, such as {setting.default!r}"
        raise SettingsError(message) from None


def _brokers(text: str) -> tuple[str, ...]:
    return tuple(_broker(part.strip()) for part in text.split(","))


def _broker(text: str) -> str:
    match = _BROKER.fullmatch(text)
    if match is None or not 0 < int(match["port"] or KAFKA_PORT) <= 65_535:
        raise ValueError("HOST:PORT, or several with commas between them")
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
    """Check what `now` is to be: `wall`, `event` or an instant. Raises SettingsError."""
    try:
        return _clock(text)
    except ValueError as error:
        raise SettingsError(f"{text!r}: it must be {error}") from None


def _is_instant(text: str) -> bool:
    if not _INSTANT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("0 or 1")
    return text == "1"


_port = _whole(1, 65_535)
_partitions = _whole(1, MAX_PARTITIONS)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "FLOW_KAFKA_BROKERS",
        "brokers",
        "127.0.0.1:9092",
        "Kafka's bootstrap addresses, HOST:PORT with commas between them",
        _brokers,
    ),
    Setting(
        "FLOW_TOPIC_PREFIX",
        "topic_prefix",
        "flow.",
        "what the names of all topics and of the consumer group begin with",
        _prefix,
    ),
    Setting("FLOW_CONFIG", "config", "flow.yaml", "the file with organisation and workflows", Path),
    Setting(
        "FLOW_WEB_HOST",
        "web_host",
        "127.0.0.1",
        "the address on which a worker serves /metrics and /ready",
        _host,
    ),
    Setting("FLOW_WEB_PORT", "web_port", "6066", "the port on which a worker serves /metrics and /ready", _port),
    Setting("FLOW_GATEWAY_PORT", "gateway_port", "6070", "the port on which the gateway takes webhooks", _port),
    Setting("FLOW_DATA_DIR", "data_dir", ".flowgauge", "the folder for what a process keeps on disk", Path),
    Setting(
        "FLOW_EVENTS_PARTITIONS",
        "events_partitions",
        "4",
        "partitions of the events and histories topics: the most workers that can share the tracking",
        _partitions,
    ),
    Setting(
        "FLOW_ITEMS_PARTITIONS",
        "items_partitions",
        "1",
        "partitions of the items topic, at most 64; with 1 the portfolio's percentiles are exact too",
        _whole(1, MAX_ITEMS_PARTITIONS),
    ),
    Setting(
        "FLOW_REPLICATION_FACTOR",
        "replication_factor",
        "1",
        "copies that Kafka keeps of each new topic; 3 where there are three brokers",
        _whole(1, 100),
    ),
    Setting(
        "FLOW_CLOCK",
        "clock",
        "wall",
        "what `now` is: `wall`, `event` (the newest event time in the topic) or an instant",
        _clock,
    ),
    Setting(
        "FLOW_EMBEDDED",
        "embedded",
        "0",
        "1 where the broker is the embedded one, on which topics cannot be declared",
        _switch,
    ),
)
