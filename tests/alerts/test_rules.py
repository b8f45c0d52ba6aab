"""Rules, alerts, their promtool tests and their runbooks agree with each other and with the catalogue of metrics."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import promql_parser as promql
import pytest

from tests.alerts.backlogs import EACH, held, mixes
from tests.alerts.rules import (
    ALERTS,
    HELD,
    PROMETHEUS,
    RECORDS,
    REPOSITORY,
    RULE_FILES,
    RULES,
    SERIES,
    TEST_FILES,
    WORKER,
    queries,
    read,
    rules,
    seconds,
    selectors,
)
from tests.tools.debian import tool

DASHBOARDS = REPOSITORY / "deploy" / "grafana" / "dashboards"
LABELS = {"severity", "area", "level", "value_stream", "art", "team", "backlog", "target", "metric"}
ENGINE_LABELS = {
    "severity",
    "area",
    "value_stream",
    "art",
    "team",
    "backlog",
    "source",
    "topic",
    "state",
    "pi",
    "window",
    "instance",
    "job",
}

# These tell that there are no numbers at all.
ABSENT = {"FlowNumbersMissing", "FlowWindowsMissing"}


def _cases(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [case for test in tests for case in test.get("alert_rule_test", ())]


TESTS = {path.stem: read(path)["tests"] for path in TEST_FILES}
EXPECTED = [alert for tests in TESTS.values() for case in _cases(tests) for alert in case.get("exp_alerts", ())]

each_alert = pytest.mark.parametrize("name", ALERTS)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])


@pytest.fixture(scope="session")
def promtool() -> Path:
    return tool("promtool")


def run(promtool: Path, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration(promtool: Path) -> None:
    run(promtool, "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml")


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_the_rules_do_what_their_tests_say(promtool: Path, path: Path) -> None:
    run(promtool, "test", "rules", path)


@each_alert
def test_each_alert_is_seen_quiet_then_firing_then_resolved(name: str) -> None:
    lives = []
    for test in TESTS[name]:
        cases = [case for case in _cases([test]) if case["alertname"] == name]
        times = [seconds(case["eval_time"]) for case in cases]
        assert times == sorted(times), "the cases of a test must be in the order of time"
        lives.append("".join("f" if case.get("exp_alerts") else "q" for case in cases))
    assert any(re.fullmatch("q+f+q+", life) for life in lives), lives


@each_alert
def test_each_alert_is_seen_to_fire_at_the_first_moment_that_it_can(name: str) -> None:
    interval = seconds(read(PROMETHEUS / "tests" / f"{name}.yml")["evaluation_interval"])
    turns = [
        (case, after)
        for test in TESTS[name]
        for case, after in pairwise(_cases([test]))
        if not case.get("exp_alerts") and after.get("exp_alerts")
    ]
    gaps = [seconds(after["eval_time"]) - seconds(case["eval_time"]) for case, after in turns]
    assert min(gaps) <= interval


def test_each_recording_rule_is_tested() -> None:
    asked = [case["expr"] for tests in TESTS.values() for test in tests for case in test.get("promql_expr_test", ())]
    assert {name for name in RECORDS if not any(name in expr for expr in asked)} == set()


@each_rule
def test_rules_read_metrics_that_are_there_by_labels_that_they_have(rule: dict[str, Any]) -> None:
    asked = [rule["expr"], *(query for text in rule.get("annotations", {}).values() for query in queries(text))]
    for selector, _ in (found for expr in asked for found in selectors(promql.parse(expr))):
        assert selector.name in {*SERIES, *RECORDS, "up"}
        if selector.name in SERIES:
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= SERIES[selector.name]


@each_rule
def test_no_rule_mixes_two_backlogs(rule: dict[str, Any]) -> None:
    for asked in (rule["expr"], *(query for text in rule.get("annotations", {}).values() for query in queries(text))):
        assert not mixes(asked, HELD)


@each_rule
def test_a_rule_about_nodes_of_the_flow_keeps_the_backlog(rule: dict[str, Any]) -> None:
    """So that each alert and each record is about one backlog, and says which."""
    read_by = [selector for selector, _ in selectors(promql.parse(rule["expr"]))]
    if any("backlog" in HELD[str(selector.name)] for selector in read_by) and rule.get("alert") not in ABSENT:
        assert held(promql.parse(rule["expr"]), HELD) == EACH


def test_each_alert_about_a_backlog_is_seen_to_name_it() -> None:
    named = {alert["exp_labels"]["backlog"] for alert in EXPECTED if "backlog" in alert["exp_labels"]}
    assert named == {"all", "epics", "features", "stories"}
    for alert in EXPECTED:
        backlog = alert["exp_labels"].get("backlog", "all")
        assert backlog == "all" or f" ({backlog})" in alert["exp_annotations"]["summary"]
        assert "(all)" not in alert["exp_annotations"]["summary"]


def test_sums_to_a_level_count_what_is_owned_at_and_below_it() -> None:
    """An ART's own items are in its sum, its value stream's and the portfolio's, and in that of no team."""
    for name, expr in RECORDS.items():
        level, metric, operation = name.split(":")
        if operation == "sum" and level != "owner":
            gone = {"art": "team", "value_stream": "art, team", "portfolio": "value_stream, art, team"}[level]
            owners = {"art": '{art!=""}', "value_stream": '{value_stream!=""}', "portfolio": ""}[level]
            last = "sum" if f"owner:{metric}:sum" in RECORDS else "max"
            assert expr == f"sum without ({gone}) (owner:{metric}:{last}{owners})"


@pytest.mark.parametrize("file", ["flow.yml", "levels.yml"])
def test_what_is_told_of_the_flow_does_not_depend_on_the_worker_that_shows_it(file: str) -> None:
    for rule in rules(PROMETHEUS / "rules" / file):
        for selector, gone in selectors(promql.parse(rule["expr"])):
            assert selector.name in RECORDS or gone >= WORKER, rule


def test_alerts_stand_in_the_file_of_their_area() -> None:
    for area in ("flow", "engine"):
        alerts = [rule for rule in rules(PROMETHEUS / "rules" / f"{area}.yml") if "alert" in rule]
        assert {rule["labels"]["area"] for rule in alerts} == {area}


@each_alert
def test_an_alert_says_how_grave_it_is_and_whose(name: str) -> None:
    labels = ALERTS[name]["labels"]
    assert labels["severity"] in {"critical", "warning", "info"}
    assert labels["area"] in {"flow", "engine"}
    assert set(labels) <= {"severity", "area", "level"}


def test_alerts_have_the_labels_that_routes_and_inhibitions_read() -> None:
    for labels in (alert["exp_labels"] for alert in EXPECTED):
        allowed = LABELS if labels["area"] == "flow" else ENGINE_LABELS
        assert set(labels) <= allowed
        assert labels["area"] == "engine" or labels["level"] in {"team", "art", "value_stream", "portfolio"}


@each_alert
def test_an_alert_says_what_it_is_what_to_do_and_where_to_look(name: str) -> None:
    annotations = ALERTS[name]["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["runbook_url"] == f"{{{{ $externalLabels.runbooks_url }}}}/{name}.md"


def test_links_to_dashboards_lead_to_dashboards_with_these_variables() -> None:
    for link in {alert["exp_annotations"]["dashboard_url"] for alert in EXPECTED}:
        parts = urlsplit(link)
        dashboard = json.loads((DASHBOARDS / f"{parts.path.removeprefix('/d/')}.json").read_text("utf-8"))
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        assert {name.removeprefix("var-") for name in parse_qs(parts.query)} <= variables, link


def test_a_missing_window_is_noticed_for_each_window_that_the_rules_read() -> None:
    named = {name: set(re.findall(r'window="(\w+)"', rule["expr"])) for name, rule in ALERTS.items()}
    noticed = named.pop("FlowWindowsMissing")
    assert set.union(*named.values()) == noticed


def test_external_labels_make_links_and_leave_the_alerts() -> None:
    config = read(PROMETHEUS / "prometheus.yml")
    (drop,) = config["alerting"]["alert_relabel_configs"]
    assert drop["action"] == "labeldrop"
    assert set(drop["regex"].split("|")) == set(config["global"]["external_labels"]) == {"grafana_url", "runbooks_url"}
