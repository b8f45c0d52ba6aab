"""Load exceeds its limits, a target is missed, a worker ends: somebody is notified, and again when it is over."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from tests.deploy.servers import DEPLOY, REPOSITORY, until
from tests.e2e.stack import Stack
from tests.e2e.work import CARDS, GITHUB, WALLETS, entered
from tests.oracle.brute_force import parse_metrics

pytestmark = pytest.mark.e2e

# Far more than it takes, so that a slow machine fails no test.
TOLD_SECONDS = 420.0
FIGURES = REPOSITORY / "build" / "e2e.json"
ALERTS: Mapping[str, dict[str, str]] = {
    "team": {"alertname": "FlowLoadAboveLimit", "level": "team", "team": "Cards"},
    "art": {"alertname": "FlowLoadAboveLimit", "level": "art", "art": "Support"},
    "target": {"alertname": "FlowTargetMissed", "target": "focus"},
}
WORKER = {"alertname": "FlowWorkerDown"}
GROUP = ("alertname", "value_stream", "backlog")


def test_what_goes_wrong_is_told_and_its_end_too(system: Stack) -> None:
    figures = {}
    begun = passed(system)
    figures["gauge"] = seen(system, begun, lambda ratio: ratio > 1)
    figures |= notified(system, "firing", ALERTS, begun)
    for name, labels in ALERTS.items():
        resolves(system, labels)
        assert grouped(system, labels), name
    inhibited = {"alertname": "FlowLoadAboveLimit", "level": "team", "team": "First Line"}
    assert system.query('ALERTS{alertname="FlowLoadAboveLimit",team="First Line",alertstate="firing"}')
    assert system.notified("firing", **inhibited) is None
    ended = fallen(system)
    figures["gauge again"] = seen(system, ended, lambda ratio: ratio <= 1)
    figures |= notified(system, "resolved", ALERTS, ended)
    figures |= stopped(system)
    assert system.notified("firing", **inhibited) is None
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({name: round(seconds, 1) for name, seconds in figures.items()}, indent=2) + "\n")


def passed(system: Stack) -> float:
    """Let a team, an ART and a target exceed their bounds."""
    cards = entered("In Progress", [f"c-{number}" for number in range(7)], **CARDS)
    wallets = entered("In Progress", [f"w-{number}" for number in range(5)], **WALLETS)
    tickets = entered("assigned", [f"t-{number}" for number in range(12)], GITHUB)
    return system.feed.send([*cards, *wallets, *tickets])


def fallen(system: Stack) -> float:
    """Let them return within their bounds."""
    done = entered("Done", [*(f"c-{number}" for number in range(7)), *(f"w-{number}" for number in range(5))])
    return system.feed.send([*done, *entered("closed", [f"t-{number}" for number in range(12)], GITHUB)])


def stopped(system: Stack) -> dict[str, float]:
    """Kill a worker, and start it again once its alert was sent."""
    worker = system.workers[1]
    killed = time.time()
    worker.kill()
    figures = notified(system, "firing", {"worker": WORKER}, killed)
    resolves(system, WORKER)
    started = time.time()
    worker.start().wait_ready()
    return figures | notified(system, "resolved", {"worker": WORKER}, started)


def seen(system: Stack, since: float, holds: Callable[[float], bool]) -> float:
    """Return after how many seconds the gauge of Cards met the condition."""

    def holds_now() -> bool:
        series = {name: value for worker in system.workers for name, value in parse_metrics(worker.metrics()).items()}
        return any(
            holds(value) for (name, labels), value in series.items()
            if name == "flow_load_ratio" and ("team", "Cards") in labels
        )  # fmt: skip

    until(holds_now, TOLD_SECONDS, "the gauge of Cards")
    return time.time() - since


def notified(system: Stack, status: str, alerts: Mapping[str, dict[str, str]], since: float) -> dict[str, float]:
    """Wait until each alert was sent; return after how many seconds."""
    found = {}
    for name, labels in alerts.items():
        webhook: dict[str, Any] = until(
            lambda labels=labels: system.notified(status, **labels), TOLD_SECONDS, f"{status} {name}"
        )
        found[f"{status} {name}"] = webhook["received"] - since
    return found


def grouped(system: Stack, labels: Mapping[str, str]) -> bool:
    """Return whether the message is about one kind of alert and one backlog in one value stream."""
    webhook = system.notified("firing", **labels)
    assert webhook is not None
    common = webhook["body"]["groupLabels"]
    kinds = {tuple(each["labels"].get(label, "") for label in GROUP) for each in webhook["body"]["alerts"]}
    return kinds == {tuple(common.get(label, "") for label in GROUP)}


def resolves(system: Stack, labels: Mapping[str, str]) -> None:
    """The runbook is served, and the dashboard is one of ours, with existing variables."""
    webhook = system.notified("firing", **labels)
    assert webhook is not None
    notes = webhook["alert"]["annotations"]
    with urlopen(notes["runbook_url"], timeout=10) as answer:
        assert answer.read().decode().startswith(f"# {labels['alertname']}")
    link = urlsplit(notes["dashboard_url"])
    found = re.fullmatch(r"/d/([\w-]+)", link.path)
    assert found, link
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / f"{found[1]}.json").read_text("utf-8"))
    assert dashboard["uid"] == found[1]
    variables = {f"var-{each['name']}" for each in dashboard["templating"]["list"]}
    assert set(parse_qs(link.query)) <= variables
