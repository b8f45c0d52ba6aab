"""What `flow.metrics` says of the nodes of a partition, and what is news against that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from stream.agents.messages import measured, node_key, read_measured, read_node_key
from stream.flow.boards import Node
from stream.flow.report import NodeNumbers, as_json
from stream.flow.statistics import SECOND, Statistics
from stream.kafka.outbox import Row

AGES_EVERY = 60 * SECOND
"""How long a node may wait whose items have only grown older."""


class Sent(NamedTuple):
    """What was sent last of a node: its JSON without the ages, the ages, and as of when.

    `steady` are the same numbers before they became JSON, which is quicker to compare; None where they were read back.
    """

    body: bytes
    age: Statistics
    blocked_age_max: float | None
    at: int
    steady: NodeNumbers | None = None


class News(NamedTuple):
    """A node, what is sent of it with the record to send; no record where its JSON has not changed."""

    node: Node
    sent: Sent | None
    row: Row | None


class Measurements:
    """What was sent last of each node of a partition; instants are microseconds."""

    def __init__(self) -> None:
        self._sent: dict[Node, Sent] = {}

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take up a record that was sent before. Raises ValueError, KeyError or TypeError where it is none of ours."""
        node = read_node_key(key)
        self._sent.pop(node, None)
        if value is not None:
            at, numbers = read_measured(value)
            age, blocked_age_max = Statistics(**numbers.pop("age")), numbers.pop("blocked_age_max")
            self._sent[node] = Sent(_body(numbers), age, blocked_age_max, at)

    def look(self, nodes: Iterable[NodeNumbers], at: int) -> Iterator[News]:
        """Give what is news of nodes as of `at`. Once it is durable, hand it to `told`."""
        for numbers in nodes:
            former = self._sent.get(numbers.node)
            steady = numbers._replace(age=Statistics(), blocked_age_max=None)
            if former is None or former.steady != steady or _outdated(former, numbers, at):
                yield _news(former, numbers, steady, at)

    def gone(self, nodes: Iterable[Node]) -> list[News]:
        """Give a tombstone for each node that is not among these any more."""
        return [News(node, None, Row(node_key(node), None)) for node in self._sent.keys() - set(nodes)]

    def told(self, news: Sequence[News]) -> None:
        """Note that news are durable."""
        for node, sent, _ in news:
            if sent is None:
                del self._sent[node]
            else:
                self._sent[node] = sent


def _outdated(former: Sent, numbers: NodeNumbers, at: int) -> bool:
    """Tell whether ages are to be sent: after a minute, or at once where they have not just grown with the clock."""
    before = (former.age.mean, former.age.max, former.blocked_age_max)
    after = (numbers.age.mean, numbers.age.max, numbers.blocked_age_max)
    if before == after:
        return False
    passed = (at - former.at) / SECOND
    grown = all(
        old is not None and new is not None and abs(new - old - passed) < 1
        for old, new in zip(before, after, strict=True)
        if (old, new) != (None, None)
    )
    return not grown or abs(at - former.at) >= AGES_EVERY


def _news(former: Sent | None, numbers: NodeNumbers, steady: NodeNumbers, at: int) -> News:
    written = as_json(numbers)
    body = _body({name: part for name, part in written.items() if name not in {"age", "blocked_age_max"}})
    if former is not None and former.body == body and not _outdated(former, numbers, at):
        return News(numbers.node, former._replace(steady=steady), None)
    sent = Sent(body, numbers.age, numbers.blocked_age_max, at, steady)
    return News(numbers.node, sent, measured(numbers.node, written, at))


def _body(numbers: Mapping[str, Any]) -> bytes:
    return orjson.dumps(numbers, option=orjson.OPT_SORT_KEYS)
