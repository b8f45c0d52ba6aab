"""Lets a worker write its topics as the release before backlogs did. Python imports this file at its start.

That release's summaries are of version 2, and the keys and values of its feed name no backlog.
"""

from typing import Any

import orjson

from stream.items import codec

NEW = ("backlog", "key", "parent", "points_millionths", "state_since_us", "left_at_us", "spells", "spells_are_cut")
# That release left no field out.
LEFT_OUT = {"blocked_since_us": None, "deleted": False, "start": None, "start_is_lower_bound": False, "finish": None}
codec.SUMMARY_VERSION = 2
_encode = codec.encode_summary


def _summary(summary: Any, derivation: str) -> bytes:
    found = {**orjson.loads(_encode(summary, derivation)), "active_us": summary.active}
    found = LEFT_OUT | found
    for field in NEW:
        found.pop(field, None)
    found["stays_us"] = dict(summary.stays) if found["finish"] else {}
    for stamp in filter(None, (found["start"], found["finish"])):
        for field in NEW:
            stamp.pop(field, None)
    return orjson.dumps(found)


codec.encode_summary = _summary

from stream.worker import feed, feed_messages, feed_records  # noqa: E402

_alert, _measured = feed_messages.alert, feed_messages.measured


def _without_backlog(row: Any, key: bytes) -> Any:
    body = orjson.loads(row.value)
    del body["data"]["backlog"]
    return row._replace(key=key, value=orjson.dumps(body))


def _former_alert(change: Any, at: int) -> Any:
    kind, *names = change.key
    key = orjson.dumps([kind, names[0], *names[2:]] if kind == "limit" else change.key)
    return _without_backlog(_alert(change, at), key)


def _former_measured(node: Any, numbers: Any, at: int) -> Any:
    return _without_backlog(_measured(node, numbers, at), feed_messages.node_key(node._replace(backlog="")))


feed.alert = _former_alert
feed_records.measured = _former_measured
