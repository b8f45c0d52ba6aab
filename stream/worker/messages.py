"""The records of `flow.metrics` and `flow.alerts`: CloudEvents, written and read back.

`schemas/node-measured.schema.json` and `schemas/alert.schema.json` say what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from stream.events.event import SECOND
from stream.events.time import format_time, parse_time
from stream.flow.nodes import Node
from stream.flow.watch import Change, Key, Kind, LastNotice
from stream.kafka.outbox import Row

SOURCE = "flowgauge"
NODE_MEASURED = "flow.node.measured"
HEADERS = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
# How many names a node's key has, the level included.
LEVELS = {"portfolio": 1, "value_stream": 2, "art": 3, "team": 4}
# Text is compared, so that the last number of all has as many digits as the first.
DIGITS = 20


def node_key(node: Node) -> bytes:
    """Write a node as a key: its level and its names, such as `["art","Payments","Checkout"]`."""
    return orjson.dumps([node.level, *filter(None, node[1:])])


def read_node_key(key: bytes) -> Node:
    """Read it back. Raises ValueError."""
    names = _names(key)
    if not names or names[0] not in LEVELS or len(names) != LEVELS[names[0]]:
        raise ValueError("the key names no node")
    return Node(*names)


def measured(node: Node, numbers: Mapping[str, Any], at: int) -> Row:
    """Write a node's numbers (its JSON) as of `at`, microseconds."""
    # Numbers may come back to what they were at the same instant of a clock that stands still: no id follows from them.
    body = _envelope(str(uuid4()), NODE_MEASURED, node, at)
    body["data"] = {"at": body["time"], **numbers}
    return Row(node_key(node), orjson.dumps(body), None, HEADERS)


def read_measured(value: bytes) -> tuple[int, dict[str, Any]]:
    """Read a node's numbers back, and as of when they are. Raises ValueError, KeyError or TypeError."""
    data = orjson.loads(value)["data"]
    if not isinstance(data, dict):
        raise TypeError("data is no object")
    return parse_time(data.pop("at")), data


def alert(change: Change, at: int) -> Row:
    """Write a change that was seen at `at` (microseconds); a tombstone where nothing is watched any more.

    The number makes the id: the same change has the same id, whoever tells of it.
    """
    key, notice = orjson.dumps(change.key), change.notice
    if notice is None:
        return Row(key, None)
    number = f"{notice.number:0{DIGITS}d}"
    body = _envelope(f"{key.decode()}/{number}", notice.kind.value, notice.node, at)
    body["sequence"] = number
    body["data"] = {
        **notice.node._asdict(),
        **change.data,
        "since": format_time(notice.since),
        "lasted_seconds": None if change.lasted is None else change.lasted / SECOND,
    }
    return Row(key, orjson.dumps(body), None, HEADERS)


def read_alert(key: bytes, value: bytes | None) -> tuple[Key, LastNotice | None]:
    """Read what was told of a limit or target back. Raises ValueError, KeyError or TypeError."""
    named = _names(key)
    limit = named[:1] == ("limit",) and named[1:2] and LEVELS.get(named[1]) == len(named) - 1
    if not limit and not (named[:1] == ("target",) and len(named) == 2):
        raise ValueError("the key names neither a limit nor a target")
    if value is None:
        return named, None
    body = orjson.loads(value)
    data = body["data"]
    node = Node(*(data[field] for field in Node._fields))
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
        "subject": "/".join(filter(None, node[1:])) or node.level,
        "datacontenttype": "application/json",
    }
