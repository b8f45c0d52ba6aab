"""Plans a repartition and checks whether it is allowed and possible, without changing anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from stream.errors import KafkaError, SettingsError
from stream.kafka.admin import kafka_admin
from stream.kafka.copying import Copier
from stream.kafka.journal import Move, RepartitionJournal, State
from stream.kafka.manage import Found, Topics, committed, members, running
from stream.kafka.offsets import read_metadata
from stream.kafka.topics import EVENTS, HISTORIES, MIB, MOVING, Topic, topics
from stream.settings import Settings

_LONGEST = str(2**63 - 1)
# While a topic is filled, its records keep their timestamps, and none is too old, too large, or compacted away.
_WHILE_MOVING = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(64 * MIB),
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": _LONGEST,
    "message.timestamp.after.max.ms": _LONGEST,
}
_RIGHTS = {"READ", "WRITE", "DELETE", "ALTER", "ALTER_CONFIGS"}


@dataclass(frozen=True)
class Prepared:
    """A repartition that may begin, or continue.

    Attributes:
        resumed: Whether it was begun before, and cut short.
        misplaced: The number of items with a row in another partition than that of their key.
    """

    journal: RepartitionJournal
    state: State
    resumed: bool
    misplaced: int = 0
    nothing_to_do: bool = False


def prepare(settings: Settings, to: int | None) -> Prepared:
    """Plan a repartition to `to` partitions, or to FLOW_EVENTS_PARTITIONS if that is None.

    Raises KafkaError or SettingsError if it is not allowed or not possible.
    """
    if settings.embedded:
        raise SettingsError("the embedded broker's partitions cannot be changed: FLOW_EMBEDDED must not be 1")
    journal = RepartitionJournal(settings)
    with kafka_admin(settings) as admin:
        there = Topics(admin)
        state = journal.read(there)
        if members(settings):
            raise KafkaError(running(settings))
        if state is not None:
            _check_target(state, to)
            return Prepared(journal, state, resumed=True)
        return _planned(settings, journal, there, settings.events_partitions if to is None else to)


def _check_target(state: State, to: int | None) -> None:
    if to is not None and to != state.to:
        begun = f"a repartition to {state.to} partitions was cut short"
        raise KafkaError(f"{begun}: finish it first: flowgauge topics repartition --to {state.to}")


def _planned(settings: Settings, journal: RepartitionJournal, there: Topics, to: int) -> Prepared:
    declared = {topic.name: topic for topic in topics(settings)}
    events, histories = (_found(there, declared[settings.topic(name)]) for name in (EVENTS, HISTORIES))
    known = {
        partition: read_metadata(place.offset, place.metadata)
        for partition, place in committed(settings, events.name).items()
    }
    misplaced = _misplaced(settings, histories, to)
    newest: dict[str, int] = {}
    for one in known.values():
        for source, time in one.newest.items():
            newest[source] = max(time, newest.get(source, time))
    state = State(
        to,
        _move(events, declared[events.name], needed=to < events.partitions),
        _move(histories, declared[histories.name], needed=misplaced > 0 or to != histories.partitions),
        {partition: one.offset for partition, one in known.items()},
        newest,
    )
    right = {one.placed for one in known.values()} <= {None, to}
    nothing = right and events.partitions == to and not state.histories.needed
    if not nothing:
        _check_room(there, journal, state)
    return Prepared(journal, state, resumed=False, misplaced=misplaced, nothing_to_do=nothing)


def _found(there: Topics, topic: Topic) -> Found:
    found = there.find(topic.name)
    if found is None:
        raise KafkaError(f"topic {topic.name!r} is missing. Create it: flowgauge topics apply")
    lacking = sorted(_RIGHTS - set(found.rights))
    if lacking:
        raise KafkaError(
            f"topic {topic.name!r}: the right to {', '.join(lacking)} is missing. Grant it, then run again"
        )
    return found


def _misplaced(settings: Settings, histories: Found, to: int) -> int:
    """Count the items with a row in a wrong partition; 0 if the number of partitions changes, which moves all rows."""
    if histories.partitions != to:
        return 0

    async def count() -> int:
        async with Copier(settings.brokers, lambda _: None) as copier:
            spans = await copier.reader.spans(histories.name, range(to))
            return await copier.misplaced(histories.name, spans, to)

    return asyncio.run(count())


def _move(found: Found, topic: Topic, *, needed: bool) -> Move:
    config = {**found.own, **topic.config}
    moving = {key: value for key, value in _WHILE_MOVING.items() if key in found.known}
    return Move(found.name, found.id, found.partitions, found.replicas, config, config | moving, needed)


def _check_room(there: Topics, journal: RepartitionJournal, state: State) -> None:
    """Check that the temporary topics can be created. Raises KafkaError."""
    for move in (state.events, state.histories):
        name = move.name + MOVING
        if there.find(name) is not None:
            raise KafkaError(f"topic {name!r} is in the way: if nobody needs it, delete it, then run again")
        there.create(name, state.to, move.replicas, move.while_moving, only_try=True)
    journal.begin(there, state.events.replicas, only_try=True)
