"""Work for the organisation of `deploy/flow.yaml`: a history for every dashboard, and items to start and finish."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from kafka import KafkaProducer

from tests.deploy.servers import DEPLOY, Json
from tests.kafka.worker import Deployment

CARDS = {"project": "PAY", "component": "cards"}
WALLETS = {"team": "Wallets"}
TYPES = ("Story", "Bug", "Spike", "Tech Debt", "Risk", "Task")
JIRA, GITHUB = "jira/acme", "github/acme"
# Features and epics of the portfolio, a value stream, an ART and two teams.
PLANNED: tuple[tuple[str, str, Json], ...] = (
    (JIRA, "Epic", {"project": "PORT"}),
    (JIRA, "Feature", {"project": "PAYMENTS"}),
    (JIRA, "Feature", {"project": "CHK"}),
    (JIRA, "Feature", CARDS),
    (GITHUB, "Feature", {}),
)
_numbers = itertools.count()


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def event(source: str, time: datetime, kind: str = "flow.item.changed", **data: Any) -> Json:
    """Write one change as a CloudEvent."""
    name = f"{next(_numbers):06}"
    return {
        "specversion": "1.0", "id": name, "source": source, "type": kind, "time": time.isoformat(), "sequence": name,
        "data": data,
    }  # fmt: skip


def life(item: str, source: str, states: Iterable[tuple[str, datetime]], **fields: Any) -> Iterator[Json]:
    """Write an item that enters states."""
    for number, (state, time) in enumerate(states):
        yield event(source, time, item=item, state=state, **(fields if number == 0 else {}))


def past() -> list[Json]:
    """Write work of every kind in every backlog, this PI's objectives, and one of no PI."""
    today, day = now(), timedelta(days=1)
    events: list[Json] = []
    for number in range(12):
        end = today - (1 + number) * day
        states = [
            ("To Do", end - (5 + number) * day), ("In Progress", end - (1 + number) * day),
            ("Ready for Review", end - 0.6 * day), ("In Review", end - 0.3 * day), ("Done", end),
        ]  # fmt: skip
        owner = CARDS if number % 2 else WALLETS
        events += life(f"past-{number}", JIRA, states, **owner, item_type=TYPES[number % 6], points=number % 6 or None)
        tickets = [("open", end - 2 * day), ("assigned", end - day), ("closed", end)]
        events += life(f"ticket-{number}", GITHUB, tickets, item_type="Bug")
    for number, owner in enumerate((CARDS, WALLETS)):
        events += life(f"old-{number}", JIRA, [("In Progress", today - 60 * day)], **owner, item_type="Story")
        events.append(event(JIRA, today - 3 * day, item=f"old-{number}", blocked=True))
        events += life(f"queued-{number}", JIRA, [("Ready for Test", today - day)], **owner, item_type="Bug")
    events += life("ticket-now", GITHUB, [("assigned", today - 5 * day)], item_type="Bug")
    events.append(event(GITHUB, today - 3 * day, item="ticket-now", blocked=True))
    for source, item_type, owner in PLANNED:
        events += _planned(today, source, item_type, owner)
    events += life("lost", JIRA, [("Parked", today - day)], **CARDS)
    events += life("unowned", JIRA, [("In Progress", today - day)], project="NOBODY")
    return [*events, *_objectives(today)]


def _planned(today: datetime, source: str, item_type: str, owner: Json) -> Iterator[Json]:
    """Write features or epics of an owner: four that were finished, one in progress and one that is stuck."""
    day, name = timedelta(days=1), f"{source}-{item_type}-{owner.get('project', '')}"
    begun, waits, done = (
        ("In Progress", "Ready for Test", "Done") if source == JIRA else ("assigned", "assigned", "closed")
    )
    for number in range(4):
        end = today - (2 + number) * day
        states = [(begun, end - (8 + number) * day), (waits, end - 2 * day), (begun, end - day), (done, end)]
        points = 20 * number or None
        yield from life(f"{name}-{number}", source, states, **owner, item_type=item_type, points=points)
    yield from life(f"{name}-now", source, [(begun, today - day)], **owner, item_type=item_type, points=40)
    yield from life(f"{name}-stuck", source, [(begun, today - 50 * day)], **owner, item_type=item_type)
    yield event(source, today - 3 * day, item=f"{name}-stuck", blocked=True)


def _objectives(today: datetime) -> Iterator[Json]:
    config = yaml.safe_load((DEPLOY / "flow.yaml").read_text("utf-8"))
    pi = [each["name"] for each in config["program_increments"] if each["start"] <= today.date()][-1]
    for number, team in enumerate(("Cards", "Wallets", "First Line")):
        plan = {"objective": f"o-{number}", "pi": pi, "team": team, "planned_value": 8 + number}
        yield event(JIRA, today - timedelta(days=9), "flow.objective.changed", **plan)
        stretch = plan | {"objective": f"s-{number}", "committed": False, "actual_value": 3}
        yield event(JIRA, today - timedelta(days=8), "flow.objective.changed", **stretch)
    yield event(JIRA, today - timedelta(days=1), "flow.objective.changed", objective="o-0", actual_value=7)
    foreign = {"objective": "foreign", "pi": "a PI of nobody", "team": "Cards", "planned_value": 5}
    yield event(JIRA, today - timedelta(days=1), "flow.objective.changed", **foreign)


class Feed:
    """Writes events as any producer would."""

    def __init__(self, deployment: Deployment) -> None:
        self._topic = deployment.topic("events")
        self._producer = KafkaProducer(bootstrap_servers=deployment.broker.bootstrap, acks="all")

    def send(self, events: Iterable[Json]) -> float:
        """Write events, and return the present (seconds since 1970) once Kafka has all of them."""
        for each in events:
            key = each["data"].get("item", each["data"].get("objective"))
            self._producer.send(self._topic, json.dumps(each).encode(), key=key.encode())
        self._producer.flush()
        return now().timestamp()

    def refuse(self) -> None:
        """Write a record that is not an event."""
        self._producer.send(self._topic, b"no event", key=b"x")
        self._producer.flush()

    def close(self) -> None:
        """Close the connection."""
        self._producer.close()


def entered(state: str, items: Iterable[str], source: str = JIRA, **fields: Any) -> list[Json]:
    """Let items enter a state now."""
    return [event(source, now(), item=item, state=state, **fields) for item in items]
