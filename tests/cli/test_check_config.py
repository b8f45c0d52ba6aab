"""`flowgauge check-config`: its output, streams and exit status."""

from __future__ import annotations

import sys

import pytest

from stream.cli.main import cli
from stream.config.loading import load_config
from tests.cli.command import FLOW_YAML, REPOSITORY, Done, flowgauge

CASES = REPOSITORY / "tests" / "config"


def run(*arguments: object) -> Done:
    return flowgauge("check-config", *arguments)


def test_what_was_understood() -> None:
    result = run(FLOW_YAML)
    assert result.status == 0
    lines = dict(line.split(": ", 1) for line in result.out.splitlines())
    assert lines["fingerprint"] == load_config(FLOW_YAML).fingerprint
    assert (lines["value streams"], lines["arts"], lines["teams"], lines["limits"]) == ("2", "2", "3", "8")
    assert lines["windows"] == lines["exported windows"] == "1d, 7d, 14d, 30d, 90d, pi, previous_pi"
    assert lines["iterations"] == "2w from 2026-10-01"
    assert lines["backlogs"] == "epics (home portfolio), features (home art), stories (home team)"
    assert lines["owners above teams"] == "Payments / Checkout, Payments, portfolio"
    assert lines["portfolio (limit 5)"] == "Payments, Operations"
    arts = "Checkout (limit 6): Cards (limit 8), Wallets (limit 6)"
    assert lines["value stream Payments (limit features 12, stories 60)"] == arts


def test_what_is_not_there_is_a_dash() -> None:
    lines = run(CASES / "minimal.good.yaml").out.splitlines()
    assert {"sources: -", "iterations: -", "owners above teams: -", "left out: -"} <= set(lines)
    assert "portfolio: Payments" in lines


def test_json() -> None:
    result = run(FLOW_YAML, "--json")
    assert result.status == 0
    found = result.json
    assert (found["valid"], found["mistakes"], found["teams"]) == (True, [], 3)
    assert found["workflows"] == ["delivery", "tickets"]
    assert found["backlogs"][:2] == [{"backlog": "epics", "home": "portfolio"}, {"backlog": "features", "home": "art"}]
    assert found["left_out"] == []


def test_mistakes_go_to_stderr() -> None:
    path = CASES / "several.bad.yaml"
    status, out, err = run(path)
    assert (status, out) == (1, "")
    assert err.startswith(f"flowgauge: {path} has 5 mistakes:\n{path}:9: organisation[0].load_limit: -1 is not a limit")
    assert len(err.splitlines()) == 6


def test_mistakes_as_json() -> None:
    path = CASES / "limit.bad.yaml"
    result = run(path, "--json")
    assert result.status == 1
    found = result.json
    assert found["valid"] is False
    assert found["mistakes"][0] == {
        "file": str(path),
        "line": 10,
        "key": "organisation[0].load_limit",
        "value": 2.5,
        "message": "2.5 is not a limit: give a whole number of items, 1 or more",
    }


@pytest.mark.parametrize("name", ["number-not-decimal", "names-with-white-space", "names-look-alike"])
def test_what_only_looks_right_is_refused(name: str) -> None:
    result = run(CASES / f"{name}.bad.yaml")
    assert result.status == 1
    assert f"{name}.bad.yaml" in result.err


@pytest.mark.parametrize(("name", "value"), [("target-bounds", "NaN"), ("increment-days", "2027-01-04 08:00:00+00:00")])
def test_values_that_json_does_not_know(name: str, value: str) -> None:
    result = run(CASES / f"{name}.bad.yaml", "--json")
    assert value in [mistake["value"] for mistake in result.json["mistakes"]]


def test_a_missing_file_is_named_without_a_line() -> None:
    result = run("nowhere.yaml", "--json")
    assert result.status == 1
    assert [mistake["line"] for mistake in result.json["mistakes"]] == [None]


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    cli.main(["check-config", str(FLOW_YAML)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "is a valid configuration" in shown
    assert "│ Support (limit stories 12): First Line (limit 9)" in shown
    assert "value stream Operations" in shown


def test_a_file_is_asked_for() -> None:
    assert "Missing argument 'FILE'." in run().wrong_use


def test_one_file_only() -> None:
    assert "unexpected extra argument" in run(FLOW_YAML, "other.yaml").wrong_use


def test_a_missing_file_is_one_mistake() -> None:
    assert "nowhere.yaml" in run("nowhere.yaml").refusal
