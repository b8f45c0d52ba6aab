"""What `flow.metrics` says of the nodes of a partition, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from stream.events.event import SECOND
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers, as_json
from stream.flow.statistics import Statistics
from stream.kafka.outbox import Row
from stream.worker.feed_messages import measured, node_key, read_measured, read_node_key

AGES_EVERY = 60 * SECOND
"""Microseconds after which a node is sent again if only its ages have grown."""


class LastSent(NamedTuple):
    """The last record of a node: its JSON without the ages, the ages, and their instant.

    `numbers` are what it was written from; None where it was read back.
    """

    body: bytes
    age: Statistics
    blocked_age_max: float | None
    at: int
    numbers: NodeNumbers | None = None


class News(NamedTuple):
    """A change of a node, and the record to send; no record if its JSON is the same as before."""

    node: Node
    sent: LastSent | None
    row: Row | None


class NodeRecords:
    """The last record of each node of a partition; instants are microseconds."""

    def __init__(self) -> None:
        self._sent: dict[Node, LastSent] = {}

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Add a record that was read from Kafka. Raises ValueError, KeyError or TypeError if it is not ours."""
        node = read_node_key(key)
        self._sent.pop(node, None)
        if value is not None:
            at, numbers = read_measured(value)
            age, blocked_age_max = Statistics(**numbers.pop("age")), numbers.pop("blocked_age_max")
            if not all(isinstance(each, int | float | None) for each in (age.mean, age.max, blocked_age_max)):
                raise TypeError("ages are no numbers")
            self._sent[node] = LastSent(_body(numbers), age, blocked_age_max, at)

    def look(self, nodes: Iterable[NodeNumbers], at: int) -> Iterator[News]:
        """Yield what has changed in nodes as of `at`. Once it is durable, hand it to `sent`."""
        for numbers in nodes:
            former = self._sent.get(numbers.node)
            # The same object means that nothing has happened to the node, and only its ages have grown.
            same = former is not None and former.numbers is numbers and abs(at - former.at) < AGES_EVERY
            if not same:
                yield _news(former, numbers, at)

    def gone(self, nodes: Iterable[Node], *, whole: bool) -> list[News]:
        """Give a tombstone for each node that is not among these any more.

        `whole` says whether the portfolio is among them. If not, it is not known, but it is not gone.
        """
        gone = [node for node in self._sent.keys() - set(nodes) if whole or not node.is_everything]
        return [News(node, None, Row(node_key(node), None)) for node in gone]

    def sent(self, news: Sequence[News]) -> None:
        """Note that changes are durable."""
        for node, sent, _ in news:
            if sent is None:
                del self._sent[node]
            else:
                self._sent[node] = sent


def _outdated(former: LastSent, age: Statistics, blocked_age_max: float | None, at: int) -> bool:
    """Return whether ages must be sent: after a minute, or at once if they changed otherwise than by the clock."""
    before = (former.age.mean, former.age.max, former.blocked_age_max)
    after = (age.mean, age.max, blocked_age_max)
    if before == after:
        return False
    passed = (at - former.at) / SECOND
    grown = all(
        old is not None and new is not None and abs(new - old - passed) < 1
        for old, new in zip(before, after, strict=True)
        if (old, new) != (None, None)
    )
    return not grown or abs(at - former.at) >= AGES_EVERY


def _news(former: LastSent | None, numbers: NodeNumbers, at: int) -> News:
    written, age, blocked = as_json(numbers, at), numbers.ages.at(at), numbers.blocked_age_max(at)
    body = _body({name: part for name, part in written.items() if name not in {"age", "blocked_age_max"}})
    if former is not None and former.body == body and not _outdated(former, age, blocked, at):
        grown = (former.age, former.blocked_age_max) != (age, blocked)
        return News(numbers.node, former._replace(numbers=numbers, at=former.at if grown else at), None)
    sent = LastSent(body, age, blocked, at, numbers)
    return News(numbers.node, sent, measured(numbers.node, written, at))


def _body(numbers: Mapping[str, Any]) -> bytes:
    return orjson.dumps(numbers, option=orjson.OPT_SORT_KEYS)
