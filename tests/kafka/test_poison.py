"""Records that are not events: each is kept as it arrived, and the events around them count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.kafka.feed import records
from tests.kafka.scrape import assert_equal, merged_metrics, outcomes, wait_equal, wait_outcomes
from tests.kafka.topics import Record, produce, read_topic
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.rules import Json

pytestmark = pytest.mark.kafka

AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
STATES = ["Backlog", "In Progress", "Ready for Review", "Done"]
FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        load_limit: 12
        teams: [{team: Cards, load_limit: 8}, {team: Wallets}]
workflows:
  - name: delivery
    states:
      new: [Backlog]
      active: [In Progress]
      waiting: [Ready for Review]
      done: [Done]
item_types:
  feature: [Story]
  defect: [Bug]
windows: [7d, 30d]
"""


def test_poison_is_kept_and_everything_else_counts(deployment: Deployment) -> None:
    good = [event for item in range(40) for event in _life(item)]
    half = len(good) // 2
    poison = _poison()
    backlog = _between(records(good[:half]), list(poison.values()))
    # The second time, a running worker reads the poison, and all earlier good events again.
    live = _between(records(good), list(poison.values()))
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), backlog)
    config = yaml.safe_load(FLOW_YAML)

    with Worker(deployment, deployment.config(FLOW_YAML), clock=AT.isoformat()) as worker:
        worker.wait_ready()
        shown = merged_metrics([worker])
        assert_equal(shown, gauges(good[:half], config, AT))
        assert outcomes(shown) == {"applied": half, "rejected": len(poison)}
        produce(deployment.broker, deployment.topic("events"), live)
        counted = {"applied": len(good), "duplicate": half, "rejected": 2 * len(poison)}
        assert sum(counted.values()) == len(backlog) + len(live)
        wait_outcomes([worker], counted)
        wait_equal([worker], gauges(good, config, AT))
        worker.stop()

    kept = read_topic(deployment.broker, deployment.topic("dead-letters"))
    wanted = [(one.key, one.value, reason) for (reason, _), one in poison.items()] * 2
    assert _sorted([(one.key, one.value, one.header("flow_reason")) for one in kept]) == _sorted(wanted)


def _life(item: int) -> list[Json]:
    """Write an item's events through the states, up to the given one."""
    begin = AT - timedelta(days=9, hours=item * 5)
    team = ("Cards", "Wallets", "Nobody")[item % 3]
    return [
        _event(
            str(item),
            begin + timedelta(hours=31 * step),
            id=f"{item}-{step}",
            data={"state": STATES[step], "team": team, "item_type": ("Story", "Bug")[item % 2]},
        )
        for step in range(1 + item % 4)
    ]


def _event(item: str, time: datetime, data: Json | None = None, **attributes: object) -> Json:
    return {
        "specversion": "1.0",
        "id": f"poison-{item}",
        "source": "jira/acme",
        "type": "flow.item.changed",
        "time": time.isoformat(),
        "data": {"item": item, "state": "In Progress", "team": "Cards"} | (data or {}),
    } | attributes


def _poison() -> dict[tuple[str, str], Record]:
    """Return one record for each way not to be an event, by its expected reason."""
    good = _event("x", AT)
    in_a_year = _event("x", datetime.now(UTC) + timedelta(days=365))
    return {
        ("not_json", "bytes"): _record(b"\xff\xfe\x00 not JSON \x80"),
        ("not_json", "empty"): _record(b""),
        ("not_json", "cut"): _record(json.dumps(good).encode()[:-7]),
        ("not_an_event", "list"): _record([good]),
        ("not_an_event", "other schema"): _record({"issue": {"id": 17}, "changelog": []}),
        ("not_an_event", "no data"): _record(good | {"data": None}),
        ("unknown_type", ""): _record(good | {"type": "flow.item.moved"}),
        ("bad_field", "state"): _record(_event("x", AT, {"state": {"name": "Done"}})),
        ("bad_time", "words"): _record(good | {"time": "yesterday"}),
        ("bad_time", "no offset"): _record(good | {"time": "2026-03-31T12:00:00"}),
        ("in_the_future", ""): _record(in_a_year),
        ("too_large", ""): _record(_event("x", AT, {"title": "x" * 10_000_000})),
        ("tombstone", ""): Record(b"x", None),
        ("key_mismatch", ""): _record(good, b"y"),
        ("key_mismatch", "bytes"): _record(good, b"\xff\x00"),
    }


def _record(value: object, key: bytes = b"x") -> Record:
    return Record(key, value if isinstance(value, bytes) else json.dumps(value).encode())


def _between(events: list[Record], poison: list[Record]) -> list[Record]:
    """Insert the poison between the events at even distances."""
    step = len(events) // len(poison) + 1
    mixed = list(events)
    for number, record in enumerate(poison):
        mixed.insert(number * (step + 1), record)
    return mixed


def _sorted(letters: Iterable[tuple[bytes | None, bytes | None, str | None]]) -> list[str]:
    """Sort letters for comparison, with long values replaced by length and digest."""
    return sorted(repr((key, reason, _short(value))) for key, value, reason in letters)


def _short(value: bytes | None) -> object:
    if value is None or len(value) < 1000:
        return value
    return len(value), hashlib.sha256(value).hexdigest()
