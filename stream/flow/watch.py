"""Limits and targets: which are breached, and one notice for each change.

A limit is passed when load > limit, and recovered when load <= limit - limit // 10. The gap (hysteresis) prevents
repeated notices for a load that swings around its limit. A target is missed or met as its node's numbers say; while
nothing is measured it stays as it was. A limit gets its first notice when it is passed, a target when it is first
measured.

A watch keeps the last notices, and is rebuilt from them (`restore`). It watches all nodes of one partition. All
instants and durations are microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from stream.flow.goals import MeasuredTarget
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers

Key = tuple[str, ...]
"""`("limit", level, backlog, names ...)` for a limit, `("target", name)` for a target."""


class Kind(StrEnum):
    """The kind of a notice; it is the type of its event."""

    PASSED = "flow.limit.passed"
    RECOVERED = "flow.limit.recovered"
    MISSED = "flow.target.missed"
    MET = "flow.target.met"


BREACHES = frozenset({Kind.PASSED, Kind.MISSED})
NO_LIMITS: Mapping[Node, int] = {}


class LastNotice(NamedTuple):
    """The last notice about a limit or target, and since when it holds.

    `number` goes up by one with each change of a key. `metric` is that of a target.
    """

    kind: Kind
    since: int
    number: int
    node: Node
    metric: str = ""


class Change(NamedTuple):
    """A change to notify: the new notice, or None if the key is no longer watched.

    `lasted` is the duration of a breach that is over. `data` has load and limit, or the target and what is measured.
    """

    key: Key
    notice: LastNotice | None
    lasted: int | None = None
    data: Mapping[str, Any] = {}


class Watch:
    """The limits and targets of one partition's nodes."""

    def __init__(self) -> None:
        self._notices: dict[Key, LastNotice] = {}

    def restore(self, key: Key, notice: LastNotice | None) -> None:
        """Restore the last notice of a key; None if the key is no longer watched."""
        if notice is None:
            self._notices.pop(key, None)
        else:
            self._notices[key] = notice

    def look(self, nodes: Sequence[NodeNumbers], now: int, limits: Mapping[Node, int] = NO_LIMITS) -> list[Change]:
        """Compare the nodes with the last notices. Once the changes are durable, pass them to `confirm`.

        `nodes` must be all nodes of the partition. Only the portfolio may be missing, while its numbers are not known.
        `limits` are those of the configuration. A node with a limit that is not shown has no load.
        """
        seen: set[Key] = set()
        changes = [change for numbers in nodes for change in self._node(numbers, now, seen)]
        if not any(numbers.node.is_everything for numbers in nodes):
            seen |= {key for key, notice in self._notices.items() if notice.node.is_everything}
        hidden = [each.node for key, each in self._notices.items() if key[0] == "limit" and key not in seen]
        for node in hidden:
            if node in limits:
                changes += self._limit(node, 0, limits[node], now, seen)
        return [*changes, *(Change(key, None) for key in self._notices if key not in seen)]

    def confirm(self, changes: Sequence[Change]) -> None:
        """Keep the notices of changes that are durable now."""
        for change in changes:
            self.restore(change.key, change.notice)

    def met_since(self) -> dict[str, int]:
        """Give the instant since which each met target has been met without a break, by name."""
        return {key[1]: notice.since for key, notice in self._notices.items() if notice.kind is Kind.MET}

    def _node(self, numbers: NodeNumbers, now: int, seen: set[Key]) -> Iterator[Change]:
        if numbers.limit is not None:
            yield from self._limit(numbers.node, numbers.load, numbers.limit, now, seen)
        for target in numbers.targets:
            yield from self._target(numbers.node, target, now, seen)

    def _limit(self, node: Node, load: int, limit: int, now: int, seen: set[Key]) -> Iterator[Change]:
        recovers_at = limit - limit // 10
        key = ("limit", node.level, node.backlog, *filter(None, node[1:4]))
        seen.add(key)
        passed = key in self._notices and self._notices[key].kind is Kind.PASSED
        if (load <= recovers_at) if passed else (load > limit):
            kind = Kind.RECOVERED if passed else Kind.PASSED
            data = {"value": load, "limit": limit, "recovers_at": recovers_at}
            yield self._change(key, kind, now, LastNotice(kind, now, now, node), data)

    def _target(self, node: Node, target: MeasuredTarget, now: int, seen: set[Key]) -> Iterator[Change]:
        key = ("target", target.name)
        seen.add(key)
        if target.met is None:
            return
        kind = Kind.MET if target.met else Kind.MISSED
        former = self._former(key, node)
        # A target with another node or metric than before is another target under the same name.
        if former is None or (former.kind, former.node, former.metric) != (kind, node, target.metric):
            data = {
                "target": target.name,
                "metric": target.metric,
                "actual": target.actual,
                "at_least": target.at_least,
                "at_most": target.at_most,
            }
            yield self._change(key, kind, now, LastNotice(kind, now, now, node, target.metric), data)

    def _change(self, key: Key, kind: Kind, now: int, notice: LastNotice, data: Mapping[str, Any]) -> Change:
        former = self._former(key, notice.node)
        if former is None:
            return Change(key, notice, None, data)
        same = (former.node, former.metric) == (notice.node, notice.metric)
        over = same and former.kind in BREACHES and kind not in BREACHES
        lasted = max(0, now - former.since) if over else None
        return Change(key, notice._replace(number=former.number + 1), lasted, data)

    def _former(self, key: Key, node: Node) -> LastNotice | None:
        """Give the last notice of a key. If a release before backlogs wrote it, it was of this node's backlog."""
        former = self._notices.get(key)
        if former is None or former.node.backlog:
            return former
        return former._replace(node=former.node._replace(backlog=node.backlog))
