"""An item's life up to an instant: its events in order, and what each left behind.

Every question about a life is answered by walking through the whole list of its moments again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property

from tests.oracle.backlogs import backlog_of
from tests.oracle.rules import Json, Owner, flow_state_of, item_type_of, owner_of, text, workflow_of

LOAD = ("active", "waiting")
ENDED = ("done", "cancelled")
NAMED_STATES = 100
ITEM_EVENTS = ("flow.item.changed", "flow.item.deleted", "flow.item.erased")


@dataclass(frozen=True)
class Moment:
    """An item just after one of its events."""

    time: datetime
    source: str
    owner: Owner
    item_type: str
    state: str | None
    flow_state: str | None
    flow_state_before: str | None
    blocked: bool
    deleted: bool
    resets: bool
    backlog: str | None
    points: Fraction | None
    key: str | None
    parent: str | None

    @property
    def is_load(self) -> bool:
        """Whether the item was in progress."""
        return self.flow_state in LOAD and not self.deleted


@dataclass(frozen=True)
class Life:
    """All moments of an item up to the instant `at`; there is at least one."""

    item: str
    moments: list[Moment]
    at: datetime

    @property
    def now(self) -> Moment:
        """The item as the last event left it."""
        return self.moments[-1]

    @property
    def in_load(self) -> bool:
        """Whether the item is in progress."""
        return self.now.is_load

    @cached_property
    def start(self) -> Moment | None:
        """First entry into active or waiting since the life began, or since it was reset."""
        start = None
        for moment in self.moments:
            if moment.flow_state == "new" and moment.flow_state_before != "new" and moment.resets:
                start = None
            if moment.flow_state in LOAD and start is None:
                start = moment
        return start

    @property
    def starts_in_the_middle(self) -> bool:
        """Whether the start is the first event, and nothing shows that the item was out of progress before it."""
        first = self.moments[0]
        return self.start is first and (first.flow_state_before is None or first.flow_state_before in LOAD)

    @cached_property
    def finish(self) -> Moment | None:
        """Latest entry into done from elsewhere, while the item is still done."""
        finish = None
        for moment in self.moments:
            if moment.flow_state != "done":
                finish = None
            elif moment.flow_state_before != "done":
                finish = moment
        return finish

    @cached_property
    def stays(self) -> list[tuple[Moment, timedelta]]:
        """How long each moment lasted between start and finish; nothing unless there are both."""
        if self.start is None or self.finish is None:
            return []
        ends = [moment.time for moment in self.moments[1:]] + [self.at]
        return [
            (moment, min(end, self.finish.time) - max(moment.time, self.start.time))
            for moment, end in zip(self.moments, ends, strict=True)
            if min(end, self.finish.time) > max(moment.time, self.start.time)
        ]

    @cached_property
    def time_in_state(self) -> dict[str, timedelta]:
        """How long the item was in each state between start and finish."""
        return by_state([(stay.state, lasted) for stay, lasted in self.stays if stay.state is not None])

    @property
    def blocked_for(self) -> timedelta | None:
        """How long the item has been blocked without a break; None unless it is now."""
        since = None
        for moment in self.moments:
            if not moment.blocked:
                since = None
            elif since is None:
                since = moment.time
        return None if since is None else self.at - since

    @property
    def flow_time(self) -> timedelta | None:
        """From start to finish; None unless there are both."""
        if self.start is None or self.finish is None:
            return None
        return self.finish.time - self.start.time


def by_state(stays: list[tuple[str, timedelta]]) -> dict[str, timedelta]:
    """Sum up stays by state; states that the item entered after a hundred others are all `other`."""
    named = list(dict.fromkeys(state for state, _ in stays))[:NAMED_STATES]
    told: dict[str, timedelta] = {}
    for state, lasted in stays:
        name = state if state in named else "other"
        told[name] = told.get(name, timedelta()) + lasted
    return told


def time_of(event: Json) -> datetime:
    """Read the event's time."""
    time = datetime.fromisoformat(event["time"])
    if time.tzinfo is None:
        message = f"time {event['time']!r} has no offset"
        raise ValueError(message)
    return time.astimezone(UTC)


def place_of(event: Json) -> tuple[datetime, str, str, str, str]:
    """Give the event's place in the order; the last part only settles what the contract leaves open."""
    content = json.dumps(event, sort_keys=True, default=str)
    return time_of(event), event.get("sequence") or "", event["id"], event["source"], content


def distinct(events: Iterable[Json]) -> list[Json]:
    """Keep of each source and id the first in order, an erasure before all, and put them in order."""
    kept: dict[tuple[str, str], Json] = {}
    for event in sorted(events, key=lambda event: (event["type"] != "flow.item.erased", place_of(event))):
        kept.setdefault((event["source"], event["id"]), event)
    return sorted(kept.values(), key=place_of)


def lives(events: Iterable[Json], config: Json, at: datetime) -> list[Life]:
    """Replay each item that is known, and not erased, at the instant."""
    known = [e for e in distinct(events) if e["type"] in ITEM_EVENTS and time_of(e) <= at]
    erased = {e["data"]["item"] for e in known if e["type"] == "flow.item.erased"}
    items = sorted({e["data"]["item"] for e in known} - erased)
    return [Life(item, list(moments_of([e for e in known if e["data"]["item"] == item], config)), at) for item in items]


def moments_of(events: list[Json], config: Json) -> Iterator[Moment]:
    """Replay one item's events, which are in order."""
    attributes: Json = {}
    deleted = False
    before = previous_flow_state(events[0], config)
    for event in events:
        if event["type"] == "flow.item.deleted":
            deleted = True
        elif "state" in event["data"]:
            deleted = False
        attributes = changed(attributes, event, is_first=event is events[0])
        state = attributes.get("state")
        flow_state = flow_state_of(state, attributes, config)
        if flow_state in ENDED:
            attributes["blocked"] = False
        yield Moment(
            time=time_of(event),
            source=event["source"],
            owner=owner_of(attributes, config),
            item_type=item_type_of(attributes, config),
            state=state,
            flow_state=flow_state,
            flow_state_before=before,
            blocked=text(attributes.get("blocked")) == "true",
            deleted=deleted,
            resets=workflow_of(attributes, config).get("on_return") == "reset",
            backlog=backlog_of(attributes, config),
            points=points_of(attributes),
            key=attributes.get("key"),
            parent=attributes.get("parent"),
        )
        before = flow_state


def points_of(attributes: Json) -> Fraction | None:
    """Read the points as the decimal that the sender wrote; None where the item is not estimated."""
    points = attributes.get("points")
    is_estimate = isinstance(points, int | float) and not isinstance(points, bool) and 0 <= points <= 10**9
    return Fraction(str(points)) if is_estimate else None


def changed(attributes: Json, event: Json, *, is_first: bool) -> Json:
    """Give the attributes as they are after the event."""
    after = attributes | {"source": event["source"]}
    if event["type"] != "flow.item.changed":
        return after
    data = dict(event["data"])
    if is_first and data.get("state") is None:
        data["state"] = data.get("previous_state")
    for field, value in data.items():
        # A field of None is as good as absent: no rule matches it, and no state is known by it.
        if field not in ("item", "previous_state"):
            after[field] = value
    return after


def previous_flow_state(first: Json, config: Json) -> str | None:
    """Translate the first event's `previous_state`, where the event also says the state that came next."""
    if first["type"] != "flow.item.changed" or first["data"].get("state") is None:
        return None
    return flow_state_of(first["data"].get("previous_state"), changed({}, first, is_first=True), config)
