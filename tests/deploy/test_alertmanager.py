"""Who receives which alert: the routes by amtool, and what a real Alertmanager sends with the files of `deploy/`.

The clock of Alertmanager cannot be set. So working hours are tested with hours far from now.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.servers import ALERTMANAGER, Json, MailServer, alert_sink, alertmanager, ask, until
from tests.tools.debian import tool

CARDS = {"value_stream": "Payments", "art": "Checkout", "team": "Cards"}
WALLETS = CARDS | {"team": "Wallets"}
CHECKOUT = {"value_stream": "Payments", "art": "Checkout", "team": ""}
PAYMENTS = {"value_stream": "Payments", "art": "", "team": ""}
FIRST_LINE = {"value_stream": "Operations", "art": "Support", "team": "First Line"}
PORTFOLIO = {"value_stream": "", "art": "", "team": ""}
HOURS = '      - weekdays: ["monday:friday"]\n        times: [{start_time: "08:00", end_time: "18:00"}]\n'
LINKS = {
    "dashboard_url": "http://localhost:3000/d/flowgauge-team?var-team=Cards",
    "runbook_url": "http://localhost:9090/user/runbooks/FlowLoadAboveLimit.md",
}


def labels(alertname: str, level: str, owner: dict[str, str], **more: str) -> dict[str, str]:
    node = {"level": level, "backlog": "stories", **owner}
    return {"alertname": alertname, "area": "flow", "severity": "warning", **node, **more}


def amtool(*arguments: str) -> str:
    done = subprocess.run(
        [tool("amtool"), *arguments], cwd=ALERTMANAGER, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def configuration() -> Json:
    found: Json = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text("utf-8"))
    return found


def test_the_configuration_and_its_templates_are_valid() -> None:
    assert "1 templates\n  SUCCESS" in amtool("check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("alert", "receivers"),
    [
        (labels("FlowLoadAboveLimit", "team", CARDS), "sink,cards"),
        (labels("FlowLoadAboveLimit", "team", CARDS, severity="critical"), "sink,cards"),
        (labels("FlowItemsAgeing", "team", WALLETS), "sink,wallets"),
        (labels("FlowItemsAgeing", "team", WALLETS | {"team": "A new one"}), "sink,checkout"),
        (labels("FlowLoadAboveLimit", "art", CHECKOUT), "sink,checkout"),
        (labels("FlowLoadAboveLimit", "art", CHECKOUT, severity="critical"), "sink,checkout"),
        (labels("FlowLoadAboveLimit", "value_stream", PAYMENTS), "sink,payments"),
        (labels("FlowVelocityStalled", "team", FIRST_LINE), "sink,first-line"),
        (labels("FlowVelocityStalled", "art", FIRST_LINE | {"team": ""}), "sink,operations"),
        (labels("FlowTargetMissed", "portfolio", PORTFOLIO, target="promises-kept"), "sink,portfolio"),
        (labels("FlowLoadAboveLimit", "portfolio", PORTFOLIO, backlog="epics"), "sink,portfolio"),
        (labels("FlowLoadAboveLimit", "team", dict.fromkeys(CARDS, "unassigned")), "sink,portfolio"),
        (labels("FlowLoadNearLimit", "team", CARDS, severity="info"), "sink,digest"),
        ({"alertname": "FlowEngineNotReady", "area": "engine", "severity": "critical"}, "sink,platform"),
        ({"alertname": "FlowEngineLagging", "area": "engine", "severity": "warning"}, "sink,platform"),
        ({"alertname": "FlowStatesUnmapped", "area": "engine", "severity": "info"}, "sink,digest"),
        ({"alertname": "FlowImportRunning", "area": "engine", "severity": "info"}, "nobody"),
        ({"alertname": "SomethingElse"}, "sink,platform"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_alert_goes_to(alert: dict[str, str], receivers: str) -> None:
    pairs = [f'{name}="{value}"' for name, value in alert.items()]
    said = amtool("config", "routes", "test", "--config.file=alertmanager.yml", *pairs)
    assert said.split("\n")[0] == receivers


def test_every_route_of_the_flow_names_its_hours_and_none_of_the_engine_but_the_digest() -> None:
    routes = configuration()["route"]["routes"]
    flow = next(route for route in routes if route.get("matchers") == ['area="flow"'])
    engine = next(route for route in routes if route.get("matchers") == ['area="engine"'])
    for route in _below(flow):
        hours = ["digest"] if route.get("receiver") == "digest" else ["working-hours"]
        assert route["active_time_intervals"] == hours, route
    assert [route["receiver"] for route in _below(engine) if "active_time_intervals" in route] == ["digest"]


def test_what_is_critical_is_repeated_after_four_hours_and_the_rest_daily() -> None:
    root = configuration()["route"]
    assert root["repeat_interval"] == "1d"
    for route in _below(root):
        critical = 'severity="critical"' in route.get("matchers", ())
        assert route.get("repeat_interval") in ({"4h"} if critical else {None, "1d", "20h"}), route


def _below(route: Json) -> Iterator[Json]:
    yield route
    for each in route.get("routes", ()):
        yield from _below(each)


def always(text: str) -> str:
    """Change the configuration: notify at any hour, and with short waits."""
    assert HOURS in text
    text = text.replace(HOURS, '      - times: [{start_time: "00:00", end_time: "24:00"}]\n')
    return text.replace("group_wait: 10s", "group_wait: 1s").replace("group_interval: 1m", "group_interval: 2s")


def never(text: str) -> str:
    """Change the configuration: working hours are in a past year only."""
    return always(text).replace('times: [{start_time: "00:00", end_time: "24:00"}]', 'years: ["2001"]', 1)


class World:
    """A running Alertmanager, with the sink and the mail server that it sends to."""

    def __init__(self, url: str, sink: str, mail: MailServer) -> None:
        self.url, self.sink, self.mail = url, sink, mail

    def post(self, *alerts: dict[str, str], ends: str | None = None) -> None:
        """Post alerts as Prometheus does, with summary, description and links."""
        body = [
            {
                "labels": each,
                "annotations": {"summary": f"about {each.get('team', '')}", "description": "in full", **LINKS},
            }
            | ({"endsAt": ends} if ends else {})
            for each in alerts
        ]
        ask(f"{self.url}/api/v2/alerts", body)

    def got(self, path: str) -> list[Any]:
        """Return the bodies that were posted to a path of the sink."""
        return [each["body"] for each in ask(f"http://{self.sink}/received") if each["path"] == path]

    def names(self) -> set[tuple[str, str, str]]:
        """Return alert, team and status of all notifications to the receiver `sink`."""
        alerts = [alert for body in self.got("/alerts") for alert in body["alerts"]]
        return {(each["labels"]["alertname"], each["labels"].get("team", ""), each["status"]) for each in alerts}


@contextmanager
def world(folder: Path, change: Callable[[str], str]) -> Iterator[World]:
    with (
        MailServer() as mail,
        alert_sink(folder) as sink,
        alertmanager(folder, sink, mail.address, change) as url,
    ):
        yield World(url, sink, mail)
        mail.shutdown()


@pytest.fixture
def notified(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, always) as running:
        yield running


def test_alerts_of_a_value_stream_arrive_together_and_so_does_the_all_clear(notified: World) -> None:
    alerts = [labels("FlowItemsAgeing", "team", CARDS), labels("FlowItemsAgeing", "team", WALLETS)]
    notified.post(*alerts)
    first = until(lambda: notified.got("/alerts"), 20, "the webhook")[0]
    assert first["groupLabels"] == {"alertname": "FlowItemsAgeing", "value_stream": "Payments", "backlog": "stories"}
    assert {alert["labels"]["team"] for alert in first["alerts"]} == {"Cards", "Wallets"}
    assert first["alerts"][0]["annotations"]["runbook_url"] == LINKS["runbook_url"]
    notified.post(*alerts, ends="2026-01-01T00:00:00Z")
    until(lambda: notified.got("/alerts")[-1]["status"] == "resolved", 20, "the all-clear")


def test_slack_is_told_what_where_and_two_links(notified: World) -> None:
    notified.post(labels("FlowLoadAboveLimit", "team", CARDS, severity="critical"))
    (message,) = until(lambda: notified.got("/slack"), 20, "Slack's message")
    assert message["channel"] == "#team-cards"
    (body,) = message["attachments"]
    assert body["title"] == "[FIRING:1] FlowLoadAboveLimit Payments / Checkout / Cards (stories)"
    assert body["title_link"] == LINKS["dashboard_url"]
    assert body["color"] == "danger"
    assert body["text"].startswith("*about Cards* (since ")
    assert f"<{LINKS['dashboard_url']}|Dashboard> <{LINKS['runbook_url']}|Runbook>" in body["text"]


def test_teams_is_told_by_a_card_with_links(notified: World) -> None:
    notified.post(labels("FlowLoadAboveLimit", "value_stream", PAYMENTS, backlog="features"))
    (message,) = until(lambda: notified.got("/teams/payments"), 20, "the card")
    texts = [block["text"] for block in message["attachments"][0]["content"]["body"]]
    assert texts[0] == "[FIRING:1] FlowLoadAboveLimit Payments (features)"
    assert f"[Dashboard]({LINKS['dashboard_url']}) [Runbook]({LINKS['runbook_url']})" in texts[1]


def test_mail_has_a_subject_and_the_links(notified: World) -> None:
    notified.post(labels("FlowTargetMissed", "portfolio", PORTFOLIO, backlog="all"))
    mail = message_from_string(until(lambda: notified.mail.mails, 20, "the mail")[0])
    assert mail["Subject"] == "[FIRING:1] FlowTargetMissed"
    assert mail["To"] == "portfolio@example.com"
    plain, page = (part.get_payload(decode=True).decode() for part in mail.get_payload())
    assert f"Dashboard: {LINKS['dashboard_url']}" in plain.splitlines()
    assert f'<a href="{LINKS["runbook_url"]}">Runbook</a>' in page


def test_a_tool_of_their_own_gets_the_json(notified: World) -> None:
    notified.post(labels("FlowVelocityStalled", "team", FIRST_LINE))
    (body,) = until(lambda: notified.got("/first-line"), 20, "the webhook")
    assert body["alerts"][0]["labels"]["team"] == "First Line"


@pytest.mark.parametrize(
    ("over", "under"),
    [
        (labels("FlowLoadAboveLimit", "art", CHECKOUT), labels("FlowLoadAboveLimit", "team", CARDS)),
        (labels("FlowLoadAboveLimit", "art", CHECKOUT), labels("FlowLoadNearLimit", "team", CARDS)),
        (labels("FlowLoadAboveLimit", "team", CARDS), labels("FlowLoadNearLimit", "team", CARDS)),
        ({"alertname": "FlowNumbersMissing", "area": "engine"}, labels("FlowItemsAgeing", "team", CARDS)),
        ({"alertname": "FlowImportRunning", "area": "engine"}, labels("FlowLoadAboveLimit", "art", CHECKOUT)),
    ],
    ids=lambda alert: f"{alert['alertname']}-{alert.get('level', 'engine')}",
)
def test_under_one_alert_another_is_not_sent(notified: World, over: dict[str, str], under: dict[str, str]) -> None:
    free = labels("FlowLoadNearLimit", "art", FIRST_LINE | {"team": ""}) | {"area": "engine"}
    notified.post(over)
    notified.post(under, free)
    until(lambda: ("FlowLoadNearLimit", "", "firing") in notified.names(), 20, "what nothing inhibits")
    assert under["alertname"] not in {name for name, team, _ in notified.names() if team == under["team"]} - {
        over["alertname"] if over.get("team") == under["team"] else ""
    }
    suppressed = ask(f"{notified.url}/api/v2/alerts?active=false&silenced=false&inhibited=true")
    assert [alert["labels"]["alertname"] for alert in suppressed] == [under["alertname"]]


@pytest.mark.parametrize(
    "other",
    [
        labels("FlowLoadAboveLimit", "team", CARDS | {"art": "Another"}),
        labels("FlowLoadAboveLimit", "team", CARDS, backlog="features"),
        labels("FlowItemsAgeing", "team", CARDS),
        labels("FlowLoadAboveLimit", "value_stream", PAYMENTS),
    ],
    ids=["team of another ART", "another backlog", "another alert", "the value stream"],
)
def test_beside_an_art_over_its_limit_and_a_lost_worker_others_are_sent(notified: World, other: dict[str, str]) -> None:
    engine = [{"alertname": name, "area": "engine"} for name in ("FlowWorkerDown", "FlowEngineNotReady")]
    notified.post(labels("FlowLoadAboveLimit", "art", CHECKOUT), *engine)
    notified.post(other)
    until(lambda: (other["alertname"], other["team"], "firing") in notified.names(), 20, "the other alert")


def test_outside_working_hours_the_flow_is_muted_and_the_engine_is_not(tmp_path: Path) -> None:
    with world(tmp_path, never) as notified:
        notified.post(labels("FlowLoadAboveLimit", "team", CARDS))
        notified.post({"alertname": "FlowEngineLagging", "area": "engine", "severity": "warning"})
        until(lambda: len(notified.got("/alerts")) == 2, 20, "the copy of both")
        (message,) = until(lambda: notified.got("/slack"), 20, "the engine's alert")
        assert message["channel"] == "#flowgauge"
