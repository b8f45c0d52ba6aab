"""The records of `flow.metrics` and `flow.alerts`: CloudEvents, written and read back.

`schemas/node-measured.schema.json` and `schemas/alert.schema.json` describe them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import orjson

from stream.events.event import SECOND
from stream.events.time import format_time, parse_time
from stream.flow.nodes import Node
from stream.flow.report import NODE_FIELDS
from stream.flow.watch import Change, Key, Kind, LastNotice
from stream.kafka.outbox import Row

SOURCE = "flowgauge"
NODE_MEASURED = "flow.node.measured"
HEADERS = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
# How many names the key of a node has, including the level.
LEVELS = {"portfolio": 1, "value_stream": 2, "art": 3, "team": 4}
# Readers compare sequences as text, so all have the same number of digits.
DIGITS = 20


def node_key(node: Node) -> bytes:
    """Write a node as a key: level, backlog and names, such as `["art","features","Payments","Checkout"]`."""
    return orjson.dumps([node.level, *filter(None, (node.backlog, *_names_of(node)))])


def read_node_key(key: bytes) -> Node:
    """Read a key of a node; one without a backlog is of a release before backlogs. Raises ValueError."""
    level, *names = _names(key) or ("",)
    if not _is_node(level, names):
        raise ValueError("the key names no node")
    backlog = names.pop(0) if len(names) == LEVELS[level] else ""
    return _node(level, *names, *[""] * (3 - len(names)), backlog)


def _is_node(level: str, names: Sequence[str]) -> bool:
    return level in LEVELS and len(names) in {LEVELS[level] - 1, LEVELS[level]}


def _node(*fields: Any) -> Node:
    return Node(*fields)


def _names_of(node: Node) -> tuple[str, str, str]:
    return node.value_stream, node.art, node.team


def measured(node: Node, numbers: Mapping[str, Any], at: int) -> Row:
    """Write the numbers of a node, as JSON, as of `at` (microseconds)."""
    # With a fixed clock the same numbers may come twice at one instant, so the id cannot be made from them.
    body = _envelope(str(uuid4()), NODE_MEASURED, node, at)
    body["data"] = {"at": body["time"], **numbers}
    return Row(node_key(node), orjson.dumps(body), None, HEADERS)


def read_measured(value: bytes) -> tuple[int, dict[str, Any]]:
    """Read the numbers of a node, and their instant. Raises ValueError, KeyError or TypeError."""
    data = orjson.loads(value)["data"]
    if not isinstance(data, dict):
        raise TypeError("data is no object")
    return parse_time(data.pop("at")), data


def alert(change: Change, at: int) -> Row:
    """Write a change that was seen at `at` (microseconds); a tombstone if the limit or target is gone.

    The id is made from the number of the change, so each worker gives the same change the same id.
    """
    key, notice = orjson.dumps(change.key), change.notice
    if notice is None:
        return Row(key, None)
    number = f"{notice.number:0{DIGITS}d}"
    body = _envelope(f"{key.decode()}/{number}", notice.kind.value, notice.node, at)
    body["sequence"] = number
    body["data"] = {
        **dict(zip(NODE_FIELDS, notice.node, strict=False)),
        **change.data,
        "since": format_time(notice.since),
        "lasted_seconds": None if change.lasted is None else change.lasted / SECOND,
    }
    return Row(key, orjson.dumps(body), None, HEADERS)


def read_alert(key: bytes, value: bytes | None) -> tuple[Key, LastNotice | None]:
    """Read the last notice of a limit or target. Raises ValueError, KeyError or TypeError."""
    named = _names(key)
    limit = named[:1] == ("limit",) and len(named) > 1 and _is_node(named[1], named[2:])
    if not limit and not (named[:1] == ("target",) and len(named) == 2):
        raise ValueError("the key names neither a limit nor a target")
    if value is None:
        return named, None
    body = orjson.loads(value)
    data = body["data"]
    # A release before backlogs has not written the last one.
    node = _node(*(data[field] for field in NODE_FIELDS[:-1]), data.get("backlog", ""))
    since, number = parse_time(data["since"]), int(body["sequence"][:DIGITS])
    return named, LastNotice(Kind(body["type"]), since, number, node, data.get("metric", ""))


def _names(key: bytes) -> tuple[str, ...]:
    names = orjson.loads(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("the key is no list of names")
    return tuple(names)


def _envelope(identity: str, kind: str, node: Node, at: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": SOURCE,
        "type": kind,
        "time": format_time(at),
        "subject": "/".join(filter(None, _names_of(node))) or node.level,
        "datacontenttype": "application/json",
    }
